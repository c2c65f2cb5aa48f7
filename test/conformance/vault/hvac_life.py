"""The life of keys through an unmodified hvac client, which reads VAULT_ADDR, VAULT_TOKEN and VAULT_CACERT itself.

Prints one line for each thing that was seen to hold; stops with a traceback at the first that doesn't.
"""

import base64
import hashlib
import sys

import hvac
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest
from seen import b64, holds, refused

client = hvac.Client()
transit = client.secrets.transit

holds("is authenticated", client.is_authenticated())
holds("is initialized", client.sys.is_initialized())
holds("is unsealed", not client.sys.is_sealed())
holds("is healthy", client.sys.read_health_status(method="GET")["sealed"] is False)
holds("answers HEAD of health", client.sys.read_health_status(method="HEAD").status_code == 200)
holds("lists the transit mount", "transit/" in client.sys.list_mounted_secrets_engines()["data"])

message = b64(b"a message")

# symmetric
transit.create_key(name="py")
key = transit.read_key(name="py")["data"]
holds("creates a key", key["type"] == "aes256-gcm96" and list(key["keys"]) == ["1"])
holds("lists keys", "py" in transit.list_keys()["data"]["keys"])
first = transit.encrypt_data(name="py", plaintext=message)["data"]["ciphertext"]
holds("encrypts", first.startswith("vault:v1:"))
transit.rotate_key(name="py")
second = transit.encrypt_data(name="py", plaintext=message)["data"]["ciphertext"]
holds("encrypts with the new version", second.startswith("vault:v2:"))
holds("decrypts the old version", transit.decrypt_data(name="py", ciphertext=first)["data"]["plaintext"] == message)
rewrapped = transit.rewrap_data(name="py", ciphertext=first)["data"]["ciphertext"]
holds("rewraps", rewrapped.startswith("vault:v2:"))
holds("decrypts what it rewrapped", transit.decrypt_data(name="py", ciphertext=rewrapped)["data"]["plaintext"] == message)

items = [{"plaintext": b64(bytes([i] * i))} for i in range(20)]
batch = transit.encrypt_data(name="py", batch_input=items)["data"]["batch_results"]
back = transit.decrypt_data(name="py", batch_input=[{"ciphertext": one["ciphertext"]} for one in batch])
holds("encrypts and decrypts a batch", [one["plaintext"] for one in back["data"]["batch_results"]] == [i["plaintext"] for i in items])
again = transit.rewrap_data(name="py", ciphertext=None, batch_input=[{"ciphertext": first}, {"ciphertext": "vault:v1:AAAA"}])
results = again["data"]["batch_results"]
holds("rewraps a batch, item by item", results[0]["ciphertext"].startswith("vault:v2:") and "error" in results[1])
refused("fails a batch with one bad item", InvalidRequest,
        lambda: transit.decrypt_data(name="py", batch_input=[{"ciphertext": first}, {"ciphertext": "x"}]))

bound = transit.encrypt_data(name="py", plaintext=message, associated_data=b64(b"aad"))["data"]["ciphertext"]
holds("binds associated data", transit.decrypt_data(name="py", ciphertext=bound, associated_data=b64(b"aad"))["data"]["plaintext"] == message)
refused("refuses other associated data", InvalidRequest,
        lambda: transit.decrypt_data(name="py", ciphertext=bound, associated_data=b64(b"other")))

transit.update_key_configuration(name="py", min_decryption_version=2)
refused("refuses a version below the minimum", InvalidRequest, lambda: transit.decrypt_data(name="py", ciphertext=first))
transit.update_key_configuration(name="py", min_encryption_version=2)
transit.trim_key(name="py", min_version=2)
holds("trims", transit.read_key(name="py")["data"]["min_available_version"] == 2)

# derived
transit.create_key(name="py-derived", derived=True)
derived = transit.encrypt_data(name="py-derived", plaintext=message, context=b64(b"one"))["data"]["ciphertext"]
holds("decrypts in its context", transit.decrypt_data(name="py-derived", ciphertext=derived, context=b64(b"one"))["data"]["plaintext"] == message)
refused("refuses another context", InvalidRequest,
        lambda: transit.decrypt_data(name="py-derived", ciphertext=derived, context=b64(b"two")))
refused("refuses no context", InvalidRequest, lambda: transit.encrypt_data(name="py-derived", plaintext=message))
transit.create_key(name="py-convergent", derived=True, convergent_encryption=True)
twice = [transit.encrypt_data(name="py-convergent", plaintext=message, context=b64(c))["data"]["ciphertext"] for c in (b"one", b"one", b"two")]
holds("encrypts convergently within a context", twice[0] == twice[1] and twice[1] != twice[2])
holds("opens what is convergent", transit.decrypt_data(name="py-convergent", ciphertext=twice[0], context=b64(b"one"))["data"]["plaintext"] == message)

# data keys, randomness, hashes, macs
data_key = transit.generate_data_key(name="py", key_type="plaintext", bits=512)["data"]
holds("makes a data key", len(base64.b64decode(data_key["plaintext"])) == 64)
holds("opens the data key", transit.decrypt_data(name="py", ciphertext=data_key["ciphertext"])["data"]["plaintext"] == data_key["plaintext"])
holds("makes a wrapped data key", "plaintext" not in transit.generate_data_key(name="py", key_type="wrapped")["data"])
holds("makes random bytes", len(bytes.fromhex(transit.generate_random_bytes(n_bytes=40, output_format="hex")["data"]["random_bytes"])) == 40)
holds("hashes", transit.hash_data(hash_input=message, algorithm="sha2-512")["data"]["sum"] == hashlib.sha512(b"a message").hexdigest())
mac = transit.generate_hmac(name="py", hash_input=message, algorithm="sha2-512")["data"]["hmac"]
holds("checks a HMAC", transit.verify_signed_data(name="py", hash_input=message, hmac=mac, hash_algorithm="sha2-512")["data"]["valid"])
holds("notices another message", not transit.verify_signed_data(name="py", hash_input=b64(b"x"), hmac=mac, hash_algorithm="sha2-512")["data"]["valid"])

transit.create_key(name="py-rsa-wraps", key_type="rsa-2048")
data_key = transit.generate_data_key(name="py-rsa-wraps", key_type="plaintext")["data"]
holds("wraps a data key by RSA", transit.decrypt_data(name="py-rsa-wraps", ciphertext=data_key["ciphertext"])["data"]["plaintext"] == data_key["plaintext"])

# signatures
for kind in ["ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048", "rsa-3072", "rsa-4096"]:
    transit.create_key(name=f"py-{kind}", key_type=kind)
    signature = transit.sign_data(name=f"py-{kind}", hash_input=message)["data"]["signature"]
    holds(f"verifies {kind}", transit.verify_signed_data(name=f"py-{kind}", hash_input=message, signature=signature)["data"]["valid"])
    holds(f"notices another message with {kind}",
          not transit.verify_signed_data(name=f"py-{kind}", hash_input=b64(b"x"), signature=signature)["data"]["valid"])
transit.create_key(name="py-derived-signer", key_type="ed25519", derived=True)
signed = transit.sign_data(name="py-derived-signer", hash_input=message, context=b64(b"one"))["data"]
holds("answers the public key of the context", len(base64.b64decode(signed["public_key"])) == 32)
for context, valid in ((b"one", True), (b"two", False)):
    checked = transit.verify_signed_data(name="py-derived-signer", hash_input=message, signature=signed["signature"], context=b64(context))
    holds(f"verifies in its context only: {context}", checked["data"]["valid"] == valid)
refused("signs by a derived key in a context only", InvalidRequest, lambda: transit.sign_data(name="py-derived-signer", hash_input=message))
digest = b64(hashlib.sha384(b"a message").digest())
signature = transit.sign_data(name="py-ecdsa-p384", hash_input=digest, hash_algorithm="sha2-384", prehashed=True, marshaling_algorithm="jws")["data"]["signature"]
holds("verifies the digest's signature with the message",
      transit.verify_signed_data(name="py-ecdsa-p384", hash_input=message, hash_algorithm="sha2-384", marshaling_algorithm="jws", signature=signature)["data"]["valid"])
wrapped = transit.encrypt_data(name="py-rsa-2048", plaintext=message)["data"]["ciphertext"]
holds("decrypts with RSA", transit.decrypt_data(name="py-rsa-2048", ciphertext=wrapped)["data"]["plaintext"] == message)

# tokens
made = client.auth.token.create(policies=["encrypt", "decrypt"], ttl="1h", display_name="narrow")["auth"]
narrow = hvac.Client(token=made["client_token"])
holds("looks up its own token", narrow.auth.token.lookup_self()["data"]["accessor"] == made["accessor"])
holds("uses a narrowed token", narrow.secrets.transit.encrypt_data(name="py", plaintext=message)["data"]["key_version"] == 2)
refused("narrows a token", Forbidden, lambda: narrow.secrets.transit.rotate_key(name="py"))
holds("renews its own token", narrow.auth.token.renew_self(increment="30m")["auth"]["lease_duration"] > 0)
holds("looks up an accessor", client.auth.token.lookup_accessor(accessor=made["accessor"])["data"]["id"] == "")
narrow.auth.token.revoke_self()
refused("refuses a revoked token", Forbidden, lambda: narrow.secrets.transit.encrypt_data(name="py", plaintext=message))

# errors
refused("does not find a key to read", InvalidPath, lambda: transit.read_key(name="py-none"))
refused("does not find a key to decrypt with", InvalidRequest, lambda: transit.decrypt_data(name="py-none", ciphertext=second))
refused("refuses what is not base64", InvalidRequest, lambda: transit.encrypt_data(name="py", plaintext="not base64"))
refused("refuses a forged token", Forbidden, lambda: hvac.Client(token="clv.forged").secrets.transit.list_keys())
refused("does not know other paths", InvalidPath, lambda: client.secrets.kv.v2.read_secret_version(path="x", raise_on_deleted_version=True))
refused("refuses export", InvalidRequest, lambda: transit.export_key(name="py", key_type="encryption-key"))

# the end
refused("keeps a key that may not be deleted", InvalidRequest, lambda: transit.delete_key(name="py"))
transit.update_key_configuration(name="py", deletion_allowed=True)
transit.delete_key(name="py")
refused("deletes", InvalidPath, lambda: transit.read_key(name="py"))
print("end", flush=True)
sys.exit(0)
