"""The KV engine with hvac, every call of it. Prints one line for each thing that was seen to hold."""

import time

import hvac
from hvac.exceptions import InvalidPath, InvalidRequest
from seen import holds, refused

client = hvac.Client()
v2 = client.secrets.kv.v2
v1 = client.secrets.kv.v1


def read(path, **more):
    return v2.read_secret_version(path=path, raise_on_deleted_version=True, **more)["data"]


# Writing and reading versions.
made = v2.create_or_update_secret(path="app/db", secret={"user": "u", "deep": {"list": [1, None, True]}})["data"]
holds("the first version is 1", made["version"] == 1 and made["destroyed"] is False and made["deletion_time"] == "")
holds("a value comes back", read("app/db")["data"] == {"user": "u", "deep": {"list": [1, None, True]}})
v2.create_or_update_secret(path="app/db", secret={"user": "w"}, cas=1)
holds("check-and-set lets through who knows", read("app/db")["metadata"]["version"] == 2)
holds("an older version is read by its number", read("app/db", version=1)["data"]["user"] == "u")
error = refused(
    "check-and-set refuses who doesn't",
    InvalidRequest,
    lambda: v2.create_or_update_secret(path="app/db", secret={}, cas=1),
)
holds("in the words of Vault", "check-and-set parameter did not match the current version" in str(error))
refused(
    "0 means that there is none yet",
    InvalidRequest,
    lambda: v2.create_or_update_secret(path="app/db", secret={}, cas=0),
)
v2.create_or_update_secret(path="app/fresh", secret={"a": "1"}, cas=0)
holds("and lets through where there is none", read("app/fresh")["data"] == {"a": "1"})
refused("no secret, no answer", InvalidPath, lambda: read("none"))
refused("no version, no answer", InvalidPath, lambda: read("app/db", version=9))

# Patches.
v2.patch(path="app/fresh", secret={"b": {"c": "2"}})
holds("a patch adds", read("app/fresh")["data"] == {"a": "1", "b": {"c": "2"}})
merge = {"Content-Type": "application/merge-patch+json"}
client.adapter.request("patch", "/v1/secret/data/app/fresh", headers=merge, json={"data": {"a": None}})
holds("a merge patch takes away", read("app/fresh")["data"] == {"b": {"c": "2"}})
refused("a patch needs a secret", InvalidPath, lambda: v2.patch(path="none", secret={"a": "b"}))

# Deletion, and what comes back.
v2.delete_latest_version_of_secret(path="app/db")
deleted = refused("a deleted version isn't read", InvalidPath, lambda: read("app/db"))
holds("its metadata is", deleted.json["data"]["metadata"]["deletion_time"] != "" and deleted.json["data"]["data"] is None)
holds("older ones are still there", read("app/db", version=1)["data"]["user"] == "u")
v2.undelete_secret_versions(path="app/db", versions=[2])
holds("undeleting brings it back", read("app/db")["data"] == {"user": "w"})
v2.delete_secret_versions(path="app/db", versions=[1])
refused("one version is deleted by its number", InvalidPath, lambda: read("app/db", version=1))
v2.destroy_secret_versions(path="app/db", versions=[1])
v2.undelete_secret_versions(path="app/db", versions=[1])
refused("what is destroyed doesn't come back", InvalidPath, lambda: read("app/db", version=1))
versions = v2.read_secret_metadata(path="app/db")["data"]["versions"]
holds("metadata shows every version", sorted(versions) == ["1", "2"])
holds("and which are destroyed", versions["1"]["destroyed"] and not versions["2"]["destroyed"])

# Metadata.
v2.update_metadata(path="app/db", max_versions=2, cas_required=True, custom_metadata={"owner": "team"})
metadata = v2.read_secret_metadata(path="app/db")["data"]
holds("rules are kept", metadata["max_versions"] == 2 and metadata["cas_required"] is True)
holds("custom metadata too", metadata["custom_metadata"] == {"owner": "team"})
holds("a read shows custom metadata", read("app/db")["metadata"]["custom_metadata"] == {"owner": "team"})
refused(
    "where it is required, a write must check",
    InvalidRequest,
    lambda: v2.create_or_update_secret(path="app/db", secret={"user": "x"}),
)
for number in (2, 3):
    v2.create_or_update_secret(path="app/db", secret={"user": f"x{number}"}, cas=number)
metadata = v2.read_secret_metadata(path="app/db")["data"]
holds("so many versions are kept, and no more", sorted(metadata["versions"]) == ["3", "4"])
holds("the oldest of them is named", metadata["oldest_version"] == 3 and metadata["current_version"] == 4)
v2.update_metadata(path="empty", custom_metadata={"a": "b"})
holds("metadata may come first", v2.read_secret_metadata(path="empty")["data"]["current_version"] == 0)
v2.update_metadata(path="brief", delete_version_after="1s")
v2.create_or_update_secret(path="brief", secret={"a": "b"})
holds("a version may have an end", read("brief")["metadata"]["deletion_time"] != "")
time.sleep(1.1)
refused("after which it is gone", InvalidPath, lambda: read("brief"))

# Lists and the end.
holds("a list shows folders", v2.list_secrets(path="")["data"]["keys"] == ["app/", "brief", "empty"])
holds("and what is in them", v2.list_secrets(path="app")["data"]["keys"] == ["db", "fresh"])
refused("an empty folder is none", InvalidPath, lambda: v2.list_secrets(path="nowhere"))
subkeys = client.adapter.get("/v1/secret/subkeys/app/fresh")["data"]["subkeys"]
holds("subkeys are names without values", subkeys == {"b": {"c": None}})
v2.delete_metadata_and_all_versions(path="app/db")
refused("nothing is left of it", InvalidPath, lambda: v2.read_secret_metadata(path="app/db"))
v2.create_or_update_secret(path="app/db", secret={"user": "again"})
holds("and its numbers begin anew", read("app/db")["metadata"]["version"] == 1)

# The mount's own rules.
v2.configure(max_versions=1, cas_required=False, delete_version_after="1h")
settings = v2.read_configuration()["data"]
holds("the engine has rules", settings["max_versions"] == 1 and settings["delete_version_after"] == "1h0m0s")
for user in ("a", "b"):
    v2.create_or_update_secret(path="ruled", secret={"user": user})
metadata = v2.read_secret_metadata(path="ruled")["data"]
holds("that hold where a secret has none", sorted(metadata["versions"]) == ["2"])
holds("with an end for each version", metadata["versions"]["2"]["deletion_time"] != "")

# Version 1 of the engine.
kv = dict(mount_point="kv")
v1.create_or_update_secret(path="plain/one", secret={"a": "b"}, **kv)
holds("version 1 keeps a value", v1.read_secret(path="plain/one", **kv)["data"] == {"a": "b"})
v1.create_or_update_secret(path="plain/one", secret={"a": "c"}, **kv)
holds("and replaces it", v1.read_secret(path="plain/one", **kv)["data"] == {"a": "c"})
holds("it lists", v1.list_secrets(path="plain", **kv)["data"]["keys"] == ["one"])
holds("it is a folder of version 2", read("kv/plain/one")["data"] == {"a": "c"})
v1.delete_secret(path="plain/one", **kv)
refused("and deletes", InvalidPath, lambda: v1.read_secret(path="plain/one", **kv))

# Mounts.
mounts = client.sys.list_mounted_secrets_engines()["data"]
holds("mounts say their version", mounts["secret/"]["options"] == {"version": "2"})
holds("of both kinds", mounts["kv/"]["type"] == "kv" and mounts["kv/"]["options"] == {"version": "1"})
print("end", flush=True)
