"""hvac, unmodified: a service account of a Kubernetes cluster logs in."""

import os

from hvac import exceptions
from seen import client, holds, refused

vault = client(os.environ["VAULT_TOKEN"])
path = "hvac-cluster"
vault.sys.enable_auth_method("kubernetes", path=path)
kubernetes = vault.auth.kubernetes
kubernetes.configure(
    kubernetes_host=os.environ["KUBE_HOST"],
    kubernetes_ca_cert=os.environ["KUBE_CA"],
    token_reviewer_jwt=os.environ["KUBE_REVIEWER"],
    mount_point=path,
)
config = kubernetes.read_config(mount_point=path)
holds("the configuration is read", config["kubernetes_host"] == os.environ["KUBE_HOST"])
kubernetes.create_role(
    name="app",
    bound_service_account_names=["app"],
    bound_service_account_namespaces=["vault"],
    ttl="10m",
    policies=["some"],
    mount_point=path,
)
role = kubernetes.read_role("app", mount_point=path)
holds("the role is read", role["bound_service_account_names"] == ["app"])
holds("its tokens live ten minutes", role["token_ttl"] == 600)
holds("roles are listed", kubernetes.list_roles(mount_point=path)["keys"] == ["app"])
pod = client()
auth = pod.auth.kubernetes.login("app", os.environ["KUBE_JWT"], mount_point=path)["auth"]
holds("a pod logs in", pod.is_authenticated())
holds("with its policies", auth["policies"] == ["default", "some"])
refused(
    "another role",
    exceptions.InvalidRequest,
    lambda: pod.auth.kubernetes.login("none", os.environ["KUBE_JWT"], mount_point=path),
)
refused(
    "another token",
    exceptions.Forbidden,
    lambda: pod.auth.kubernetes.login("app", os.environ["KUBE_JWT"][:-20] + "A" * 20, mount_point=path),
)
kubernetes.delete_role("app", mount_point=path)
refused("a role that is gone", exceptions.InvalidPath, lambda: kubernetes.read_role("app", mount_point=path))
print("end")
