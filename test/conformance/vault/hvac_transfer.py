"""Keys on their way in and out through an unmodified hvac client, which reads VAULT_ADDR, VAULT_TOKEN and VAULT_CACERT itself.

Prints one line for each thing that was seen to hold; stops with a traceback at the first that doesn't.
"""

import base64
import datetime
import hmac
import os

import hvac
from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID
from hvac.exceptions import InvalidPath, InvalidRequest
import seen
from seen import b64, holds

client = hvac.Client()
transit = client.secrets.transit


def refused(what, words, ask, kind=InvalidRequest):
    seen.refused(what, kind, ask, words)


public = client.read("transit/wrapping_key")["data"]["public_key"]
wrapping = serialization.load_pem_public_key(public.encode())
holds("has a wrapping key of 4096 bits", wrapping.key_size == 4096)
holds("keeps its wrapping key", client.read("transit/wrapping_key")["data"]["public_key"] == public)


def wrapped(material, hash=hashes.SHA256, key=wrapping):
    kek = os.urandom(32)
    oaep = padding.OAEP(padding.MGF1(hash()), hash(), None)
    return b64(key.encrypt(kek, oaep) + keywrap.aes_key_wrap_with_padding(kek, material))


def pkcs8(key):
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem(key):
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def import_key(name, material, path="import", **more):
    client.write_data(f"transit/keys/{name}/{path}", data={"ciphertext": wrapped(material), **more})


message = b"a message"
text = b64(message)

# symmetric keys, and the versions of one
materials = [os.urandom(32) for _ in range(3)]
import_key("sym", materials[0], exportable=True)
first = transit.encrypt_data(name="sym", plaintext=text)["data"]["ciphertext"]
for material in materials[1:]:
    import_key("sym", material, "import_version")
third = transit.encrypt_data(name="sym", plaintext=text)["data"]["ciphertext"]
holds("counts imported versions", first.startswith("vault:v1:") and third.startswith("vault:v3:"))
for ciphertext in (first, third):
    holds("opens with an imported version", transit.decrypt_data("sym", ciphertext)["data"]["plaintext"] == text)
nonce = os.urandom(12)
elsewhere = "vault:v1:" + b64(nonce + AESGCM(materials[0]).encrypt(nonce, message, b"bound"))
opened = transit.decrypt_data("sym", elsewhere, associated_data=b64(b"bound"))["data"]["plaintext"]
holds("opens what the imported version encrypted elsewhere", opened == text)
facts = transit.read_key("sym")["data"]
holds("tells imported keys", facts["imported_key"] and not facts["imported_key_allow_rotation"])
keys = transit.export_key("sym", "encryption-key")["data"]["keys"]
holds("exports what was imported", keys == {str(i + 1): b64(m) for i, m in enumerate(materials)})
holds("exports one version", transit.export_key("sym", "encryption-key", version="2")["data"]["keys"] == {"2": keys["2"]})
refused("does not rotate an imported key", "", lambda: transit.rotate_key("sym"))
refused("imports no key twice", "existing key", lambda: import_key("sym", materials[0]))

for kind, size in (("aes128-gcm96", 16), ("chacha20-poly1305", 32), ("hmac", 64)):
    material = os.urandom(size)
    import_key(kind, material, type=kind, exportable=True)
    part = "hmac-key" if kind == "hmac" else "encryption-key"
    holds(f"imports and exports {kind}", transit.export_key(kind, part)["data"]["keys"] == {"1": b64(material)})
    refused(f"holds {kind} to its length", "", lambda: import_key(kind + "-odd", os.urandom(size + 1), type=kind))

for name, hash in (("SHA1", hashes.SHA1), ("sha224", hashes.SHA224), ("SHA384", hashes.SHA384), ("SHA512", hashes.SHA512)):
    data = {"ciphertext": wrapped(materials[0], hash), "hash_function": name}
    client.write_data(f"transit/keys/by-{name}/import", data=data)
    holds(f"takes what is wrapped with {name}", transit.read_key(f"by-{name}")["data"]["latest_version"] == 1)
    refused(f"tells {name} from the usual one", "unwrap", lambda: client.write_data("transit/keys/no/import", data={"ciphertext": data["ciphertext"]}))

import_key("free", os.urandom(32), allow_rotation=True, auto_rotate_period="24h")
transit.rotate_key("free")
holds("rotates where that was allowed", transit.read_key("free")["data"]["imported_key"] is False)

# key pairs
pairs = {
    "ecdsa-p256": ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384": ec.generate_private_key(ec.SECP384R1()),
    "ecdsa-p521": ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "rsa-2048": rsa.generate_private_key(65537, 2048),
    "rsa-4096": rsa.generate_private_key(65537, 4096),
}
for kind, pair in pairs.items():
    import_key(kind, pkcs8(pair), type=kind, exportable=True)
    signature = transit.sign_data(kind, hash_input=text, hash_algorithm="sha2-256")["data"]["signature"]
    raw = base64.b64decode(signature.removeprefix("vault:v1:"))
    if kind == "ed25519":
        pair.public_key().verify(raw, message)
    elif kind.startswith("ecdsa"):
        pair.public_key().verify(raw, message, ec.ECDSA(hashes.SHA256()))
    else:
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
        pair.public_key().verify(raw, message, pss, hashes.SHA256())
    holds(f"signs with an imported {kind}", True)
    exported = client.read(f"transit/export/signing-key/{kind}")["data"]["keys"]["1"]
    if kind == "ed25519":
        seed = base64.b64decode(exported)[:32]
        same = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    else:
        same = serialization.load_pem_private_key(exported.encode(), None)
        kind_of_pem = "EC" if kind.startswith("ecdsa") else "RSA"
        holds(f"exports {kind} as its kind is written", exported.startswith(f"-----BEGIN {kind_of_pem} PRIVATE KEY-----"))
    holds(f"exports the imported {kind}", pem(same.public_key()) == pem(pair.public_key()))
    shown = client.read(f"transit/export/public-key/{kind}")["data"]["keys"]["1"]
    holds(f"shows the public half of {kind}", kind == "ed25519" or shown.strip() == pem(pair.public_key()).strip())

# certificates
template_key = ec.generate_private_key(ec.SECP256R1())
names = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ü & Co")])
alternative = x509.SubjectAlternativeName([x509.DNSName("signer.example")])
template = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(names)
    .add_extension(alternative, critical=False)
    .sign(template_key, hashes.SHA256())
)
ca_key = ec.generate_private_key(ec.SECP256R1())
ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])


def issue(subject, issuer, public, ca):
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(ca_key, hashes.SHA256())
    )


def as_pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


root = issue(ca_name, ca_name, ca_key.public_key(), True)
for kind, pair in pairs.items():
    pem_csr = template.public_bytes(serialization.Encoding.PEM).decode()
    answer = client.write_data(f"transit/keys/{kind}/csr", data={"csr": pem_csr})["data"]
    csr = x509.load_pem_x509_csr(answer["csr"].encode())
    holds(f"requests a certificate for {kind}", csr.is_signature_valid and answer["type"] == kind)
    holds(f"certifies {kind} itself", pem(csr.public_key()) == pem(pair.public_key()))
    extension = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    holds(f"takes over what the template says of {kind}", csr.subject == names and extension == alternative)
    bare = x509.load_pem_x509_csr(client.write_data(f"transit/keys/{kind}/csr", data={})["data"]["csr"].encode())
    holds(f"requests for nobody by {kind}", bare.is_signature_valid and len(list(bare.subject)) == 0)
    chain = as_pem(issue(csr.subject, ca_name, csr.public_key(), False)) + as_pem(root)
    data = client.write_data(f"transit/keys/{kind}/set-certificate", data={"certificate_chain": chain})["data"]
    holds(f"keeps a chain for {kind}", data["certificate_chain"] == chain)
    shown = transit.read_key(kind)["data"]["keys"]["1"]["certificate_chain"]
    exported = client.read(f"transit/export/certificate-chain/{kind}")["data"]["keys"]["1"]
    holds(f"shows the chain of {kind}", shown == exported == chain.strip())
other_leaf = as_pem(issue(names, ca_name, template_key.public_key(), False))
for what, chain in (("another key's", other_leaf), ("an authority's", as_pem(root)), ("no", "nothing")):
    refused(f"keeps {what} certificate from a key", "", lambda: client.write_data("transit/keys/ed25519/set-certificate", data={"certificate_chain": chain}))
refused("reads no nonsense as a template", "", lambda: client.write_data("transit/keys/ed25519/csr", data={"csr": as_pem(root)}))
refused("requests nothing for what does not sign", "", lambda: client.write_data("transit/keys/sym/csr", data={}))
transit.create_key("uncertified", key_type="ecdsa-p256")
refused("has no chain where none was set", "", lambda: client.read("transit/export/certificate-chain/uncertified"), Exception)

# a public half alone
half = ec.generate_private_key(ec.SECP256R1())
client.write_data("transit/keys/half/import", data={"type": "ecdsa-p256", "public_key": pem(half.public_key())})
refused("does not sign with a public half", "public half", lambda: transit.sign_data("half", hash_input=text))
made = "vault:v1:" + b64(half.sign(message, ec.ECDSA(hashes.SHA256())))
holds("verifies with a public half", transit.verify_signed_data("half", text, signature=made)["data"]["valid"])
import_key("half", pkcs8(half), "import_version", version=1)
signature = transit.sign_data("half", hash_input=text)["data"]["signature"]
half.public_key().verify(base64.b64decode(signature[9:]), message, ec.ECDSA(hashes.SHA256()))
holds("signs once the private half came", signature.startswith("vault:v1:"))

# out, under another server's key
other = rsa.generate_private_key(65537, 3072)
client.write_data("transit/keys/other/import", data={"type": "rsa-3072", "public_key": pem(other.public_key())})
sent = base64.b64decode(client.read("transit/byok-export/other/sym/latest")["data"]["keys"]["3"])
kek = other.decrypt(sent[:384], padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
holds("wraps for another server", keywrap.aes_key_unwrap_with_padding(kek, sent[384:]) == materials[2])

# what may not leave
transit.create_key("fixed")
refused("exports what is exportable only", "not exportable", lambda: transit.export_key("fixed", "encryption-key"))
refused("backs up what is exportable only", "exporting is disallowed", lambda: transit.backup_key("fixed"), Exception)
transit.update_key_configuration("fixed", exportable=True)
transit.update_key_configuration("fixed", exportable=False)
holds("goes back on no permission to leave", transit.read_key("fixed")["data"]["exportable"])
key = base64.b64decode(transit.export_key("fixed", "hmac-key")["data"]["keys"]["1"])
mac = transit.generate_hmac("fixed", text)["data"]["hmac"]
holds("exports what computes the same MAC", base64.b64decode(mac[9:]) == hmac.digest(key, message, "sha256"))
refused("finds no key to export", "", lambda: transit.export_key("absent", "encryption-key"), InvalidPath)

# backups
transit.create_key("kept", exportable=True, allow_plaintext_backup=True)
transit.rotate_key("kept")
ciphertext = transit.encrypt_data("kept", plaintext=text)["data"]["ciphertext"]
backup = transit.backup_key("kept")["data"]["backup"]
refused("restores over nothing that is there", "already exists", lambda: transit.restore_key(backup))
transit.restore_key(backup, force=True)
transit.restore_key(backup, name="copy")
holds("opens with a copy", transit.decrypt_data("copy", ciphertext)["data"]["plaintext"] == text)
transit.update_key_configuration("kept", deletion_allowed=True)
transit.delete_key("kept")
refused("has deleted it", "", lambda: transit.read_key("kept"), InvalidPath)
transit.restore_key(backup)
holds("opens again with what was deleted", transit.decrypt_data("kept", ciphertext)["data"]["plaintext"] == text)
broken = b64(base64.b64decode(backup)[:-1] + b"x")
refused("restores no changed backup", "changed", lambda: transit.restore_key(broken, name="broken"))

print("end")
