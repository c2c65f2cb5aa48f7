"""hvac, unmodified: mounts for logins, and logins with JSON Web Tokens."""

import os
from urllib.parse import parse_qsl, urlsplit

import requests
from hvac import exceptions
from seen import client, holds, refused

provider, token = os.environ["PROVIDER"], os.environ["JWT"]

root = client(os.environ["VAULT_TOKEN"])
root.sys.enable_auth_method("jwt", path="py", description="by Python", config={"default_lease_ttl": "20m"})
told = root.sys.list_auth_methods()["data"]
holds("a mount is listed", told["py/"]["type"] == "jwt" and told["py/"]["description"] == "by Python")
holds("its tuning is read", root.sys.read_auth_method_tuning("py")["data"]["default_lease_ttl"] == 1200)
root.sys.tune_auth_method("py", default_lease_ttl="10m", listing_visibility="unauth")
holds("it is tuned", root.sys.read_auth_method_tuning("py")["data"]["listing_visibility"] == "unauth")
refused("a path is taken once", exceptions.InvalidRequest, lambda: root.sys.enable_auth_method("jwt", path="py"))

jwt = root.auth.jwt
jwt.configure(oidc_discovery_url=provider, default_role="ci", path="py")
holds("the configuration is read", jwt.read_config(path="py")["data"]["oidc_discovery_url"] == provider)
jwt.create_role(
    "ci",
    user_claim="sub",
    allowed_redirect_uris=[],
    role_type="jwt",
    bound_audiences=["vault"],
    bound_claims={"sub": ["alice", "bob"]},
    claim_mappings={"iss": "issuer"},
    path="py",
)
role = jwt.read_role("ci", path="py")["data"]
holds("a role is read", role["bound_audiences"] == ["vault"] and role["role_type"] == "jwt")
holds("roles are listed", jwt.list_roles(path="py")["data"]["keys"] == ["ci"])

worker = client()
auth = worker.auth.jwt.jwt_login("ci", token, path="py")["auth"]
holds("a token logs in", auth["lease_duration"] == 600 and auth["metadata"]["issuer"] == provider)
holds("what comes of it is used by itself", worker.is_authenticated())
refused("a wrong one doesn't", exceptions.InvalidRequest, lambda: client().auth.jwt.jwt_login("ci", "a.b.c", path="py"))

back = "http://localhost:8250/oidc/callback"
root.sys.enable_auth_method("oidc", path="page")
oidc = root.auth.oidc
oidc.configure(
    oidc_discovery_url=provider,
    oidc_client_id=os.environ["CLIENT_ID"],
    oidc_client_secret=os.environ["CLIENT_SECRET"],
    default_role="staff",
    path="page",
)
told = oidc.read_config(path="page")["data"]
holds("the client's secret is not told", told["oidc_client_id"] and "oidc_client_secret" not in told)
oidc.create_role("staff", user_claim="sub", allowed_redirect_uris=[back], path="page")
url = worker.auth.oidc.oidc_authorization_url_request("staff", back, path="page")["data"]["auth_url"]
page = requests.get(url, allow_redirects=False, timeout=10)
query = dict(parse_qsl(urlsplit(page.headers["location"]).query))
come = worker.auth.oidc.oidc_callback(query["state"], "unused", query["code"], path="page")["auth"]
holds("a provider's page logs in", come["client_token"] and come["metadata"]["role"] == "staff")

jwt.delete_role("ci", path="py")
refused("a deleted role is gone", exceptions.InvalidPath, lambda: jwt.read_role("ci", path="py"))
root.sys.disable_auth_method("py")
holds("disabling ends its tokens", not worker.is_authenticated())
holds("and it is gone", "py/" not in root.sys.list_auth_methods()["data"])
print("end")
