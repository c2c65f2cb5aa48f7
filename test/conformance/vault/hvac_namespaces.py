"""Namespaces with hvac: realms by header. Prints one line for each thing that was seen to hold."""

import os

from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest
from seen import client, holds, refused

first = client(os.environ["VAULT_TOKEN"])
ours = client(os.environ["TENANT_TOKEN"], "tenant")

holds("a namespace is listed", "tenant/" in first.sys.list_namespaces()["data"]["keys"])
first.sys.create_namespace("py")
holds("a namespace is made", "py/" in first.sys.list_namespaces()["data"]["keys"])
refused("and stays", InvalidRequest, lambda: first.sys.delete_namespace("py"))

holds("a token works in its own", ours.auth.token.lookup_self()["data"]["policies"] == ["developer"])
refused("and in no other", Forbidden, lambda: client(ours.token, "py").auth.token.lookup_self())
refused("also the first realm's", Forbidden, lambda: client(first.token, "tenant").auth.token.lookup_self())
refused("nor in one that there isn't", Forbidden, lambda: client(ours.token, "absent").auth.token.lookup_self())
refused("and makes no other", Forbidden, lambda: ours.sys.create_namespace("more"))

ours.sys.enable_secrets_engine(backend_type="kv", path="team", options={"version": "2"})
ours.secrets.kv.v2.create_or_update_secret(path="x", secret={"a": "b"}, mount_point="team")
read = ours.secrets.kv.v2.read_secret_version(path="x", mount_point="team", raise_on_deleted_version=True)
holds("a mount is the namespace's own", read["data"]["data"] == {"a": "b"})
by_path = client(ours.token).secrets.kv.v2.read_secret_version(
    path="x", mount_point="tenant/team", raise_on_deleted_version=True
)
holds("and is reached by the path too", by_path["data"]["data"] == {"a": "b"})
refused("and by nobody else", InvalidPath, lambda: first.secrets.kv.v2.read_secret_version(
    path="x", mount_point="team", raise_on_deleted_version=True
))

ours.sys.create_or_update_policy(name="x", policy='path "team/data/x" { capabilities = ["read"] }')
ours.auth.userpass.create_or_update_user(username="bob", password="correct horse", policies="x")
bob = client(None, "tenant")
bob.auth.userpass.login(username="bob", password="correct horse")
holds("a login is looked up there", bob.auth.token.lookup_self()["data"]["meta"]["username"] == "bob")
refused("and nowhere else", InvalidRequest, lambda: client(None).auth.userpass.login(username="bob", password="correct horse"))
refused("by no other name", InvalidRequest, lambda: client(None, "absent").auth.userpass.login(
    username="bob", password="correct horse"
))
by_path = client(None).write_data("tenant/auth/userpass/login/bob", data={"password": "correct horse"})
holds("by the path too", by_path["auth"]["metadata"]["username"] == "bob")
print("end")
