"""hvac, unmodified: what clients do to log in."""

import os

from hvac import exceptions
from seen import client, holds, refused

root = client(os.environ["VAULT_TOKEN"])
methods = root.sys.list_auth_methods()["data"]
holds("the methods are shown", {"approle/", "userpass/", "token/"} <= set(methods))

role = root.auth.approle
role.create_or_update_approle("ci", token_ttl="10m", token_policies=["deploy"], secret_id_num_uses=2)
told = role.read_role("ci")["data"]
holds("a role is read", told["token_ttl"] == 600 and told["secret_id_num_uses"] == 2 and told["bind_secret_id"])
holds("roles are listed", role.list_roles()["data"]["keys"] == ["ci"])
role_id = role.read_role_id("ci")["data"]["role_id"]
made = role.generate_secret_id("ci", metadata={"host": "a"})["data"]
secret_id, accessor = made["secret_id"], made["secret_id_accessor"]
holds("secret ids are listed", role.list_secret_id_accessors("ci")["data"]["keys"] == [accessor])
holds("a secret id is looked up", role.read_secret_id("ci", secret_id)["data"]["metadata"] == {"host": "a"})
holds("so is its accessor", role.read_secret_id_accessor("ci", accessor)["data"]["secret_id_accessor"] == accessor)

for _ in range(2):
    worker = client()
    auth = worker.auth.approle.login(role_id, secret_id)["auth"]
    holds("a login answers a token", auth["lease_duration"] == 600 and auth["policies"] == ["default", "deploy"])
    holds("with what was known", auth["metadata"]["host"] == "a" and auth["metadata"]["role_name"] == "ci")
    holds("which works", worker.lookup_token()["data"]["display_name"] == "approle")
refused("a third login", exceptions.InvalidRequest, lambda: client().auth.approle.login(role_id, secret_id))
refused("a wrong secret id", exceptions.InvalidRequest, lambda: client().auth.approle.login(role_id, "wrong"))
refused("a role that is not there", exceptions.InvalidPath, lambda: role.read_role("none"))

custom = role.create_custom_secret_id("ci", "of my own")["data"]
role.destroy_secret_id_accessor("ci", custom["secret_id_accessor"])
refused("a destroyed secret id", exceptions.InvalidRequest, lambda: client().auth.approle.login(role_id, "of my own"))

wrapped = role.generate_secret_id("ci", wrap_ttl="60s")["wrap_info"]
holds("a secret id is wrapped", wrapped["ttl"] == 60 and wrapped["creation_path"] == "auth/approle/role/ci/secret-id")
inner = client().sys.unwrap(wrapped["token"])["data"]
client().auth.approle.login(role_id, inner["secret_id"])
holds("unwrapped, it logs in", True)
refused("unwrapping twice", exceptions.InvalidRequest, lambda: client().sys.unwrap(wrapped["token"]))

root.auth.userpass.create_or_update_user("ann", password="correct horse", policies="a,b")
holds("users are listed", root.auth.userpass.list_user()["data"]["keys"] == ["ann"])
holds("a user is read", root.auth.userpass.read_user("ann")["data"]["token_policies"] == ["a", "b"])
person = client()
auth = person.auth.userpass.login("ann", "correct horse")["auth"]
holds("a user logs in", person.is_authenticated() and auth["metadata"] == {"username": "ann"})
root.auth.userpass.update_password_on_user("ann", "battery staple")
for name, password in (("ann", "correct horse"), ("nobody", "correct horse")):
    refused(name, exceptions.InvalidRequest, lambda: client().auth.userpass.login(name, password))
root.auth.userpass.delete_user("ann")
refused("a deleted user", exceptions.InvalidRequest, lambda: client().auth.userpass.login("ann", "battery staple"))

made = root.auth.token.create(num_uses=2, ttl="10m", meta={"a": "b"}, explicit_max_ttl="20m")["auth"]
holds("a token says its uses", made["num_uses"] == 2 and made["metadata"] == {"a": "b"})
counted = client(made["client_token"])
told = counted.auth.token.lookup_self()["data"]
holds("they are counted", told["num_uses"] == 1 and told["explicit_max_ttl"] == 1200)
counted.auth.token.lookup_self()
refused("the third use", exceptions.Forbidden, counted.auth.token.lookup_self)

orphan = root.auth.token.create_orphan(ttl="10m")["auth"]
told = root.auth.token.lookup(orphan["client_token"])["data"]
holds("an orphan is one", orphan["orphan"] and told["orphan"] and told["path"] == "auth/token/create-orphan")
holds("a token is renewed", root.auth.token.renew(orphan["client_token"])["auth"]["lease_duration"] <= 600)
root.auth.token.revoke(orphan["client_token"])
refused("a revoked token", exceptions.Forbidden, lambda: root.auth.token.lookup(orphan["client_token"]))
refused("an id of one's own", exceptions.InvalidRequest, lambda: root.auth.token.create(id="mine"))
refused("a batch token", exceptions.InvalidRequest, lambda: root.auth.token.create(type="batch"))
print("end")
