"""hvac, unmodified, on a sealed production server: what operators do, then what token roles and leases are for."""

import base64
import os

from hvac import exceptions
from seen import client, holds, refused

passphrase = os.environ["SEAL_PASSPHRASE"]

officer = client(os.environ["VAULT_TOKEN"])
anyone = client()
system = officer.sys
holds("it is initialized and sealed", anyone.sys.is_initialized() and anyone.sys.is_sealed())
refused("to be initialized again", exceptions.InvalidRequest, lambda: anyone.sys.initialize(1, 1))
refused("a wrong passphrase", exceptions.InvalidRequest, lambda: anyone.sys.submit_unseal_key("not the passphrase"))
holds("nothing is half given", anyone.sys.submit_unseal_key(reset=True)["progress"] == 0)
holds("the passphrase opens it", anyone.sys.submit_unseal_key(passphrase)["sealed"] is False)
system.seal()
holds("an officer seals it", anyone.sys.is_sealed())
refused("what is asked of it then", exceptions.VaultDown, officer.lookup_token)
anyone.sys.submit_unseal_keys([passphrase])
holds("and it opens again", officer.lookup_token()["data"]["display_name"] == "officer")

refused("a ceremony of nobody's", exceptions.InvalidRequest, anyone.sys.start_root_token_generation)
begun = system.start_root_token_generation()
holds("a root generation begins", system.read_root_generation_progress()["nonce"] == begun["nonce"])
refused("with a wrong passphrase", exceptions.InvalidRequest, lambda: system.generate_root("wrong", begun["nonce"]))
encoded = system.generate_root(passphrase, begun["nonce"])["encoded_root_token"]
hidden = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
root = client("".join(chr(byte ^ ord(pad)) for byte, pad in zip(hidden, begun["otp"])))
holds("and gives a token", root.lookup_token()["data"]["path"] == "auth/token/root")
holds("once", system.read_root_generation_progress()["started"] is False)

refused("more shares than one", exceptions.InvalidRequest, system.start_rekey)
system.start_rekey(secret_shares=1, secret_threshold=1)
system.cancel_rekey()
holds("a rekey is cancelled", system.read_rekey_progress()["started"] is False)
nonce = system.start_rekey(secret_shares=1, secret_threshold=1, require_verification=True)["nonce"]
made = system.rekey(passphrase, nonce)
new = made["keys_base64"][0]
holds("a new passphrase is made", made["complete"] and made["keys"] == [new])
refused("that is not it", exceptions.InvalidRequest, lambda: system.rekey_verify("wrong", made["verification_nonce"]))
holds("and given back", system.rekey_verify(new, made["verification_nonce"])["complete"])
system.seal()
refused("the former one", exceptions.InvalidRequest, lambda: anyone.sys.submit_unseal_key(passphrase))
holds("the new one opens it", anyone.sys.submit_unseal_key(new)["sealed"] is False)
with open(os.environ["SEAL_NEXT"], "w") as file:
    file.write(new)

holds("the ledger is what is audited to", list(system.list_enabled_audit_devices()["data"]) == ["ledger/"])
refused("another device", exceptions.InvalidRequest, lambda: system.enable_audit_device("file", options={"file_path": "/tmp/x"}))

tokens = officer.auth.token
tokens.create_or_update_role("ci", allowed_policies=["deploy"], orphan=True, token_period="1h", path_suffix="one-1")
role = tokens.read_role("ci")["data"]
holds("a token role is read", role["allowed_policies"] == ["deploy"] and role["token_period"] == 3600 and role["orphan"])
holds("roles are listed", tokens.list_roles()["data"]["keys"] == ["ci"])
auth = officer.auth.token.create(role_name="ci")["auth"]
holds("a token is made by it", auth["policies"] == ["default", "deploy"] and auth["orphan"])
refused("with another policy", exceptions.InvalidRequest, lambda: tokens.create(role_name="ci", policies=["other"]))
accessor = auth["accessor"]
holds("its accessor is listed", accessor in tokens.list_accessors()["data"]["keys"])
holds("and looked up", tokens.lookup_accessor(accessor)["data"]["path"] == "auth/token/create/ci/one-1")
holds("and renewed", tokens.renew_accessor(accessor)["auth"]["lease_duration"] == 3600)

prefix = "auth/token/create/ci/one-1"
leases = system.list_leases(prefix)["data"]["keys"]
holds("its lease is listed", leases == [accessor])
lease = system.read_lease(f"{prefix}/{accessor}")["data"]
holds("and read", lease["path"] == prefix and 3590 < lease["ttl"] <= 3600)
refused("renewed as a lease", exceptions.InvalidRequest, lambda: system.renew_lease(f"{prefix}/{accessor}"))
system.revoke_lease(f"{prefix}/{accessor}")
refused("revoked, it is gone", exceptions.Forbidden, client(auth["client_token"]).lookup_token)
many = [officer.auth.token.create(role_name="ci")["auth"]["client_token"] for _ in range(3)]
system.revoke_prefix("auth/token/create/ci")
for token in many:
    refused("revoked by its prefix", exceptions.Forbidden, client(token).lookup_token)
holds("what is not there is revoked already", tokens.revoke_accessor(accessor)["warnings"] == ["No token found with this accessor"])

parent = tokens.create(ttl="1h")["auth"]["client_token"]
child = client(parent).auth.token.create(ttl="30m")["auth"]["client_token"]
tokens.revoke_and_orphan_children(parent)
holds("a child outlives its parent, as an orphan", client(child).lookup_token()["data"]["orphan"] is True)
tokens.tidy()
tokens.delete_role("ci")
refused("a deleted role", exceptions.InvalidPath, lambda: tokens.read_role("ci"))
print("end")
