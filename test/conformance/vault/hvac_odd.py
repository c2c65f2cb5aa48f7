"""hvac in ways that are legal and rare, all over one kept-alive connection. Prints 'end' when all of it held."""

import base64

import hvac
import requests

session = requests.Session()
client = hvac.Client(session=session)
session.verify = client._adapter._kwargs.get("verify", True)
transit = client.secrets.transit


def b64(data):
    return base64.b64encode(data).decode()


def connections():
    pools = session.get_adapter(client.url).poolmanager.pools
    return sum(pools[key].num_connections for key in pools.keys())


transit.create_key(name="odd")
for _ in range(10):
    assert "odd" in transit.list_keys()["data"]["keys"]
    assert client.list("transit/keys")["data"]["keys"]
    assert client.read("transit/keys/odd")["data"]["name"] == "odd"
    assert client.write("transit/encrypt/odd", plaintext=b64(b"x"))["data"]["ciphertext"].startswith("vault:v1:")
assert connections() == 1, connections()

# A refusal doesn't cost the connection, nor does an answer without a body.
for _ in range(3):
    try:
        transit.encrypt_data(name="odd", plaintext="!")
        raise AssertionError("was not refused")
    except hvac.exceptions.InvalidRequest:
        pass
    transit.update_key_configuration(name="odd", deletion_allowed=False)
    assert client.sys.read_health_status(method="HEAD").status_code == 200
assert connections() == 1, connections()

# The root has no name, or this one.
assert hvac.Client(namespace="root").secrets.transit.list_keys()["data"]["keys"]

# Forms of parameters that hvac leaves out, sends as None or puts into the path.
transit.create_key(name="odd-signer", key_type="rsa-2048")
for words in [{}, {"signature_algorithm": "pkcs1v15"}, {"hash_algorithm": "sha2-512"}, {"salt_length": "hash"},
              {"signature_algorithm": "pss", "salt_length": "20"}, {"marshaling_algorithm": "jws"}]:
    signature = transit.sign_data(name="odd-signer", hash_input=b64(b"m"), **words)["data"]["signature"]
    checked = transit.verify_signed_data(name="odd-signer", hash_input=b64(b"m"), signature=signature, **words)
    assert checked["data"]["valid"], words
many = transit.sign_data(name="odd-signer", batch_input=[{"input": b64(bytes([i]))} for i in range(5)])
assert len(many["data"]["batch_results"]) == 5
mac = transit.generate_hmac(name="odd", hash_input=b64(b"m"))["data"]["hmac"]
assert transit.verify_signed_data(name="odd", hash_input=b64(b"m"), hmac=mac)["data"]["valid"]
assert len(base64.b64decode(transit.generate_random_bytes(n_bytes=7)["data"]["random_bytes"])) == 7
print("end")
