"""hvac, unmodified: a TLS client logs in with its certificate."""

import os

from hvac import exceptions
from seen import client, holds, refused

vault = client(os.environ["VAULT_TOKEN"])
path = "hvac-cert"
vault.sys.enable_auth_method("cert", path=path)
cert = vault.auth.cert
cert.configure_tls_certificate(mount_point=path)
cert.create_ca_certificate_role(
    name="clients",
    certificate=os.environ["TRUSTED"],
    allowed_common_names="a*",
    token_policies="some",
    token_ttl=600,
    mount_point=path,
)
role = cert.read_ca_certificate_role("clients", mount_point=path)["data"]
holds("the role is read", role["allowed_common_names"] == ["a*"])
holds("its tokens live ten minutes", role["token_ttl"] == 600)
holds("roles are listed", cert.list_certificate_roles(mount_point=path)["data"]["keys"] == ["clients"])
program = client()
auth = program.auth.cert.login(
    name="clients",
    cert_pem=os.environ["CERT"],
    key_pem=os.environ["KEY"],
    mount_point=path,
)["auth"]
holds("a client logs in", auth["metadata"]["common_name"] == "app")
holds("with its policies", auth["policies"] == ["default", "some"])
refused(
    "another role",
    exceptions.InvalidRequest,
    lambda: client().auth.cert.login(
        name="none", cert_pem=os.environ["CERT"], key_pem=os.environ["KEY"], mount_point=path
    ),
)
cert.delete_certificate_role("clients", mount_point=path)
refused(
    "a role that is gone", exceptions.InvalidPath, lambda: cert.read_ca_certificate_role("clients", mount_point=path)
)
print("end")
