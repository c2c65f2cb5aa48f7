"""Mounts at own paths with hvac. Prints one line for each thing that was seen to hold."""

import base64
import os

import hvac
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest
from seen import b64, holds, refused

client = hvac.Client()
system = client.sys
transit = client.secrets.transit
v1 = client.secrets.kv.v1
v2 = client.secrets.kv.v2

# Mounting, listing, tuning.
system.enable_secrets_engine(backend_type="transit", path="py-keys", description="of Python")
system.enable_secrets_engine(backend_type="kv", path="py/two", options={"version": "2"})
system.enable_secrets_engine(backend_type="kv", path="py/one", options={"version": "1"}, config={"default_lease_ttl": "1h"})
listed = system.list_mounted_secrets_engines()["data"]
holds("mounts are listed", listed["py-keys/"]["description"] == "of Python" and listed["py/two/"]["options"] == {"version": "2"})
holds("each has an id", len({listed[path]["uuid"] for path in listed}) == len(listed) >= 6)
again = system.list_mounted_secrets_engines()["data"]
holds("ids stay", again == listed)
refused("a path is taken once", InvalidRequest, lambda: system.enable_secrets_engine(backend_type="kv", path="py-keys"))
refused("no other engines", InvalidRequest, lambda: system.enable_secrets_engine(backend_type="database", path="db"))
system.tune_mount_configuration(path="py-keys", description="changed", max_lease_ttl="2h", default_lease_ttl="1h")
tuned = system.read_mount_configuration(path="py-keys")["data"]
holds("a mount is tuned", (tuned["description"], tuned["max_lease_ttl"], tuned["default_lease_ttl"]) == ("changed", 7200, 3600))

# Transit.
transit.create_key(name="pay", mount_point="py-keys")
transit.create_key(name="sign", key_type="ed25519", mount_point="py-keys")
holds("keys are listed by their names below the mount", transit.list_keys(mount_point="py-keys")["data"]["keys"] == ["pay", "sign"])
holds("and elsewhere by their whole names", "py-keys/pay" in transit.list_keys()["data"]["keys"])
holds("a key is called so", transit.read_key(name="pay", mount_point="py-keys")["data"]["name"] == "pay")
first = transit.encrypt_data(name="pay", plaintext=b64("hello"), mount_point="py-keys")["data"]["ciphertext"]
transit.rotate_key(name="pay", mount_point="py-keys")
second = transit.rewrap_data(name="pay", ciphertext=first, mount_point="py-keys")["data"]["ciphertext"]
holds("rewrapped", second.startswith("vault:v2:"))
batch = transit.decrypt_data(
    name="pay", ciphertext="", batch_input=[{"ciphertext": first}, {"ciphertext": second}], mount_point="py-keys"
)["data"]["batch_results"]
holds("batches open", [item["plaintext"] for item in batch] == [b64("hello")] * 2)
made = transit.sign_data(name="sign", hash_input=b64("m"), mount_point="py-keys")["data"]["signature"]
holds("signatures hold", transit.verify_signed_data(name="sign", hash_input=b64("m"), signature=made, mount_point="py-keys")["data"]["valid"])
mac = transit.generate_hmac(name="pay", hash_input=b64("m"), mount_point="py-keys")["data"]["hmac"]
holds("macs hold", transit.verify_signed_data(name="pay", hash_input=b64("m"), hmac=mac, mount_point="py-keys")["data"]["valid"])
key = transit.generate_data_key(name="pay", key_type="plaintext", mount_point="py-keys")["data"]
holds("data keys", transit.decrypt_data(name="pay", ciphertext=key["ciphertext"], mount_point="py-keys")["data"]["plaintext"] == key["plaintext"])
holds("random bytes", len(base64.b64decode(transit.generate_random_bytes(n_bytes=8, mount_point="py-keys")["data"]["random_bytes"])) == 8)
refused("a key is of its folder", InvalidRequest, lambda: transit.decrypt_data(name="first", ciphertext=first, mount_point="py-keys"))

# KV, both versions.
v2.create_or_update_secret(path="app/db", secret={"a": 1}, mount_point="py/two")
v2.create_or_update_secret(path="app/db", secret={"a": 2}, cas=1, mount_point="py/two")
v2.patch(path="app/db", secret={"b": 3}, mount_point="py/two")
read = v2.read_secret_version(path="app/db", mount_point="py/two", raise_on_deleted_version=True)["data"]
holds("a version is read", read["data"] == {"a": 2, "b": 3} and read["metadata"]["version"] == 3)
holds("folders are listed", v2.list_secrets(path="", mount_point="py/two")["data"]["keys"] == ["app/"])
holds("and what is in them", v2.list_secrets(path="app", mount_point="py/two")["data"]["keys"] == ["db"])
v2.update_metadata(path="app/db", max_versions=2, mount_point="py/two")
holds("metadata", v2.read_secret_metadata(path="app/db", mount_point="py/two")["data"]["max_versions"] == 2)
v2.configure(max_versions=4, mount_point="py/two")
holds("rules are the mount's own", v2.read_configuration(mount_point="py/two")["data"]["max_versions"] == 4)
holds("and not another one's", v2.read_configuration()["data"]["max_versions"] == 0)
v1.create_or_update_secret(path="x", secret={"k": "v"}, mount_point="py/one")
one = v1.read_secret(path="x", mount_point="py/one")
holds("version 1 leases for as long as its mount says", one["data"] == {"k": "v"} and one["lease_duration"] == 3600)
holds("version 1 is listed", v1.list_secrets(path="", mount_point="py/one")["data"]["keys"] == ["x"])
system.tune_mount_configuration(path="py/one", options={"version": "2"})
holds("version 1 becomes version 2", v2.read_secret_version(path="x", mount_point="py/one", raise_on_deleted_version=True)["data"]["data"] == {"k": "v"})

# Policies judge what was written.
system.create_or_update_policy(name="py-pay", policy='path "py-keys/encrypt/pay" { capabilities = ["update"] }')
narrow = hvac.Client(
    url=os.environ["VAULT_ADDR"],
    token=client.auth.token.create(policies=["py-pay"])["auth"]["client_token"],
    verify=os.environ.get("VAULT_CACERT", True),
)
holds("what is allowed", narrow.secrets.transit.encrypt_data(name="pay", plaintext=b64("m"), mount_point="py-keys")["data"]["key_version"] == 2)
refused("and no more", Forbidden, lambda: narrow.secrets.transit.read_key(name="pay", mount_point="py-keys"))
refused("at no other path", Forbidden, lambda: narrow.secrets.transit.encrypt_data(name="first", plaintext=b64("m")))
holds("capabilities", client.sys.get_capabilities(["py-keys/encrypt/pay"], token=narrow.token)["data"]["capabilities"] == ["update"])

# Taking away.
refused("what holds something stays", InvalidRequest, lambda: system.disable_secrets_engine(path="py/two"))
v2.delete_metadata_and_all_versions(path="app/db", mount_point="py/two")
system.disable_secrets_engine(path="py/two")
refused("what is gone is gone", InvalidPath, lambda: v2.list_secrets(path="", mount_point="py/two"))
refused("mounts are not moved", InvalidRequest, lambda: system.move_backend(from_path="py-keys", to_path="other"))
print("end")
