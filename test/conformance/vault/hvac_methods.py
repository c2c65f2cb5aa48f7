"""Calls every method of hvac for what Claviger offers, with arguments made up from their names, and says which lead nowhere here."""
import inspect
import os

import hvac
from hvac.api import SystemBackend, auth_methods, secrets_engines

url, ca, token = (os.environ[name] for name in ("VAULT_ADDR", "VAULT_CACERT", "VAULT_TOKEN"))
root = hvac.Client(url=url, token=token, verify=ca)

CLASSES = [
    *(getattr(auth_methods, name) for name in ("Token", "AppRole", "Userpass", "JWT", "Kubernetes", "Cert")),
    *(getattr(secrets_engines, name) for name in ("Transit", "KvV1", "KvV2")),
    SystemBackend,
]
# What ends the session that all of them are asked in, or asks for files and answers of people; other suites do these.
ASIDE = {"seal", "initialize", "rekey_multi", "rekey_verify_multi", "submit_unseal_keys", "take_raft_snapshot", "oidc_callback", "resolve_path", "get_private_attr_name", "retrieve_mount_option"}
MADE_UP = {
    "key_type": "aes256-gcm96",
    "export_type": "encryption-key",
    "hash_algorithm": "sha2-256",
    "algorithm": "sha2-256",
    "input": "YQ==",
    "hash_input": "YQ==",
    "plaintext": "YQ==",
    "ciphertext": "vault:v1:AAAA",
    "secret_shares": 1,
    "secret_threshold": 1,
    "secret": {"a": "b"},
    "data": {"a": "b"},
    "policy": 'path "a" { capabilities = ["read"] }',
    "paths": ["a"],
    "versions": [1],
    "payload": {"a": "b"},
    "backend_type": "kv",
    "method_type": "approle",
    "device_type": "file",
    "metadata": {},
    "config": {},
    "options": {},
    "ttl": 60,
    "keys": ["a"],
    "user_claim": "sub",
    "allowed_redirect_uris": ["https://localhost/cb"],
    "role_type": "jwt",
    "bound_audiences": ["a"],
    "kubernetes_host": "https://127.0.0.1:1",
    "bound_service_account_names": ["a"],
    "bound_service_account_namespaces": ["a"],
    "rate": 1,
    "num_bytes": 8,
    "certificate": os.environ["VAULT_CACERT"],
    "path": "secret",
    "jwks_url": "https://127.0.0.1:1",
}

# Optional to Python, not to hvac.
WANTED = {"ciphertext", "plaintext", "hash_input", "signature", "jwks_url", "certificate", "lease_id"}

LEADS_NOWHERE = ("no handler for route", "unsupported path", "unsupported operation")
called = 0
nowhere = []
for cls in CLASSES:
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if name.startswith("_") or name in ASIDE or (cls, name) == (auth_methods.Cert, "login"):
            continue
        # A token of its own for each, since some take their own back.
        own = root.auth.token.create(ttl="10m")["auth"]["client_token"]
        adapter = hvac.adapters.JSONAdapter(base_uri=url, token=own, verify=ca)
        required = [
            parameter.name
            for parameter in list(inspect.signature(method).parameters.values())[1:]
            if (parameter.default is inspect.Parameter.empty or parameter.name in WANTED)
            and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        ]
        arguments = {one: MADE_UP.get(one, "made-up") for one in required}
        if cls is secrets_engines.KvV1:
            arguments["mount_point"] = "kv"
        if name == "export_key":
            arguments["key_type"] = "encryption-key"
        if name in ("create_role",) and cls is auth_methods.JWT:
            arguments["role_type"] = "jwt"
        if name == "generate_data_key":
            arguments["key_type"] = "plaintext"
        try:
            getattr(cls(adapter), name)(**arguments)
        except hvac.exceptions.VaultError as refusal:
            if any(words in str(refusal) for words in LEADS_NOWHERE):
                nowhere.append(f"{cls.__name__}.{name}")
        except Exception as fault:
            print("not called", cls.__name__, name, repr(fault))
        called += 1

print("ok", called, "methods were called")
for one in nowhere:
    print("nowhere", one)
print("end")
