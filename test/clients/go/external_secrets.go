package main

import (
	"context"
	"os"
	"time"

	vault "github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/auth/approle"
	"github.com/hashicorp/vault/api/auth/kubernetes"
)

// The calls of the External Secrets operator's provider for Vault, in its order, for a store that logs in by a service account and for one
// that logs in by AppRole: log in, look the token up, read versions and metadata, find by name, push, and revoke the token.
func externalSecrets(ctx context.Context, c *vault.Client) {
	must(c.KVv2("secret").Put(ctx, "eso/db", fields{"user": "app", "password": "one"}))
	must(c.KVv2("secret").Put(ctx, "eso/db", fields{"user": "app", "password": "two"}))
	check(c.KVv2("secret").PutMetadata(ctx, "eso/db", vault.KVMetadataPutInput{CustomMetadata: fields{"team": "blue"}}))

	must(c.Logical().WriteWithContext(ctx, "auth/approle/role/eso", fields{"token_ttl": "10m"}))
	roleID := must(c.Logical().ReadWithContext(ctx, "auth/approle/role/eso/role-id")).Data["role_id"].(string)
	secretID := must(c.Logical().WriteWithContext(ctx, "auth/approle/role/eso/secret-id", nil)).Data["secret_id"].(string)
	byRole := must(approle.NewAppRoleAuth(roleID, &approle.SecretID{FromString: secretID}, approle.WithMountPath("approle")))
	serve(ctx, byRole, "approle")

	if jwt := os.Getenv("KUBE_JWT"); jwt != "" {
		mount := os.Getenv("KUBE_MOUNT")
		byAccount := must(kubernetes.NewKubernetesAuth(
			os.Getenv("KUBE_ROLE"), kubernetes.WithServiceAccountToken(jwt), kubernetes.WithMountPath(mount)))
		serve(ctx, byAccount, "kubernetes")
	}
}

func serve(ctx context.Context, by vault.AuthMethod, how string) {
	operator := client()
	operator.ClearToken()
	must(operator.Auth().Login(ctx, by))
	ok(how + ": logs in")

	self := must(operator.Auth().Token().LookupSelfWithContext(ctx))
	assert(self.Data["type"] == "service", "a service token")
	assert(must(self.TokenTTL()) > time.Minute, "it lives long enough to be used")
	ok(how + ": is sure of its token")

	read := func(path string, query map[string][]string) fields {
		answer := must(operator.Logical().ReadWithDataWithContext(ctx, path, query))
		assert(answer != nil, path+" is there")
		return answer.Data
	}
	data := read("secret/data/eso/db", nil)["data"].(fields)
	assert(data["password"] == "two", "the newest version")
	data = read("secret/data/eso/db", map[string][]string{"version": {"1"}})["data"].(fields)
	assert(data["password"] == "one", "the version that is asked for")
	ok(how + ": reads the newest version and one by its number")

	custom := read("secret/metadata/eso/db", nil)["custom_metadata"].(fields)
	assert(custom["team"] == "blue", "what it is found by")
	names := must(operator.Logical().ListWithContext(ctx, "secret/metadata/eso/")).Data["keys"].([]any)
	assert(len(names) > 0 && names[0] == "db", "found by name")
	ok(how + ": finds by name and by custom metadata")

	absent := must(operator.Logical().ReadWithDataWithContext(ctx, "secret/data/eso/absent", nil))
	assert(absent == nil, "what isn't there is nothing, not an error")
	ok(how + ": takes an absent secret for one")

	check(operator.Auth().Token().RevokeSelfWithContext(ctx, operator.Token()))
	_, err := operator.Logical().ReadWithDataWithContext(ctx, "secret/data/eso/db", nil)
	refused(err, 403, "permission denied")
	ok(how + ": revokes its token")
}
