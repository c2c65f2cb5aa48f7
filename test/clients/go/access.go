package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	vault "github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/auth/approle"
	"github.com/hashicorp/vault/api/auth/userpass"
)

func version() string {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if module.Path == "github.com/hashicorp/vault/api" {
			return module.Version
		}
	}
	return ""
}

func system(ctx context.Context, c *vault.Client) {
	health := must(c.Sys().HealthWithContext(ctx))
	assert(health.Initialized && !health.Sealed && !health.Standby, "the server is healthy")
	ok("health")
	status := must(c.Sys().SealStatusWithContext(ctx))
	assert(status.Initialized && !status.Sealed, "the server is unsealed")
	ok("seal status")
	assert(must(c.Sys().InitStatusWithContext(ctx)), "the server is initialised")
	ok("init status")
	must(c.Sys().LeaderWithContext(ctx))
	ok("leader")
	mounts := must(c.Sys().ListMountsWithContext(ctx))
	assert(mounts["transit/"].Type == "transit", "transit is mounted")
	assert(mounts["secret/"].Type == "kv" && mounts["secret/"].Options["version"] == "2", "kv is mounted")
	ok("list mounts")
	check(c.Sys().MountWithContext(ctx, "go-kv", &vault.MountInput{Type: "kv", Options: map[string]string{"version": "2"}}))
	must(c.KVv2("go-kv").Put(ctx, "a", fields{"b": "c"}))
	assert(must(c.KVv2("go-kv").Get(ctx, "a")).Data["b"] == "c", "a mount of its own keeps secrets")
	description := "for programs in Go"
	check(c.Sys().TuneMountWithContext(ctx, "go-kv", vault.MountConfigInput{Description: &description}))
	must(c.Sys().MountConfigWithContext(ctx, "go-kv"))
	check(c.KVv2("go-kv").DeleteMetadata(ctx, "a"))
	check(c.Sys().UnmountWithContext(ctx, "go-kv"))
	ok("mount, tune, unmount")
	check(c.Sys().EnableAuthWithOptionsWithContext(ctx, "go-approle", &vault.EnableAuthOptions{Type: "approle"}))
	auths := must(c.Sys().ListAuthWithContext(ctx))
	assert(auths["token/"].Type == "token" && auths["go-approle/"].Type == "approle", "the way of logging in is listed")
	check(c.Sys().DisableAuthWithContext(ctx, "go-approle"))
	ok("enable, list, disable auth")
}

func tokens(ctx context.Context, c *vault.Client) {
	self := must(c.Auth().Token().LookupSelfWithContext(ctx))
	assert(must(self.TokenID()) == c.Token(), "a token finds itself")
	ok("lookup self")
	renewable := true
	request := vault.TokenCreateRequest{TTL: "1h", Renewable: &renewable, DisplayName: "go", NumUses: 50}
	made := must(c.Auth().Token().CreateWithContext(ctx, &request))
	assert(made.Auth.LeaseDuration == 3600 && made.Auth.Renewable, "a token of an hour")
	ok("create")
	other := as(made.Auth.ClientToken)
	found := must(other.Auth().Token().LookupSelfWithContext(ctx))
	assert(fmt.Sprint(found.Data["num_uses"]) == "49", fmt.Sprint("its uses are counted: ", found.Data["num_uses"]))
	assert(must(found.TokenAccessor()) == made.Auth.Accessor, "by its accessor too")
	assert(must(found.TokenIsRenewable()), "and says that it can be renewed")
	ok("lookup by the token itself")
	must(c.Auth().Token().LookupAccessorWithContext(ctx, made.Auth.Accessor))
	must(c.Auth().Token().RenewWithContext(ctx, made.Auth.ClientToken, 1800))
	must(c.Auth().Token().RenewAccessorWithContext(ctx, made.Auth.Accessor, 1800))
	must(other.Auth().Token().RenewSelfWithContext(ctx, 1800))
	ok("renew: token, accessor, self")
	check(c.Auth().Token().RevokeAccessorWithContext(ctx, made.Auth.Accessor))
	_, err := other.Auth().Token().LookupSelfWithContext(ctx)
	refused(err, 403, "permission denied")
	ok("revoke by accessor")
	orphan := must(c.Auth().Token().CreateOrphanWithContext(ctx, &vault.TokenCreateRequest{TTL: "10m"}))
	assert(orphan.Auth.Orphan, "an orphan")
	check(as(orphan.Auth.ClientToken).Auth().Token().RevokeSelfWithContext(ctx, ""))
	_, err = as(orphan.Auth.ClientToken).Auth().Token().LookupSelfWithContext(ctx)
	refused(err, 403, "permission denied")
	ok("orphans, revoke self")
	must(c.Logical().WriteWithContext(ctx, "auth/token/roles/go", fields{"allowed_policies": "default", "orphan": true}))
	byRole := must(c.Auth().Token().CreateWithRoleWithContext(ctx, &vault.TokenCreateRequest{TTL: "10m"}, "go"))
	assert(byRole.Auth.Orphan, "a token by a role")
	check(c.Auth().Token().RevokeTreeWithContext(ctx, byRole.Auth.ClientToken))
	must(c.Logical().DeleteWithContext(ctx, "auth/token/roles/go"))
	ok("create by a role, revoke the tree")
}

// Keeps a token alive as programs do, until it can't be renewed any more.
func renewal(ctx context.Context, c *vault.Client) {
	request := vault.TokenCreateRequest{TTL: "3s", ExplicitMaxTTL: "6s"}
	made := must(c.Auth().Token().CreateWithContext(ctx, &request))
	watcher := must(as(made.Auth.ClientToken).NewLifetimeWatcher(&vault.LifetimeWatcherInput{Secret: made}))
	go watcher.Start()
	defer watcher.Stop()
	renewals := 0
	for {
		select {
		case renewed := <-watcher.RenewCh():
			renewals++
			assert(renewed.Secret.Auth.ClientToken == made.Auth.ClientToken, "the same token")
		case err := <-watcher.DoneCh():
			check(err)
			assert(renewals >= 1, "it was renewed")
			ok(fmt.Sprintf("renewed %d times, to its end", min(renewals, 1)))
			return
		case <-time.After(15 * time.Second):
			fail("the watcher neither renews nor ends")
		}
	}
}

func wrapping(ctx context.Context, c *vault.Client) {
	wrapping := client()
	wrapping.SetWrappingLookupFunc(func(string, string) string { return "5m" })
	wrapped := must(wrapping.Logical().WriteWithContext(ctx, "transit/random/16", fields{"format": "hex"}))
	assert(wrapped.WrapInfo != nil && wrapped.WrapInfo.TTL == 300, "the answer is wrapped")
	ok("wrap an answer")
	looked := must(c.Logical().WriteWithContext(ctx, "sys/wrapping/lookup", fields{"token": wrapped.WrapInfo.Token}))
	assert(looked.Data["creation_path"] == "transit/random/16", "where it comes from")
	opened := must(c.Logical().UnwrapWithContext(ctx, wrapped.WrapInfo.Token))
	assert(len(opened.Data["random_bytes"].(string)) == 32, "the answer is unwrapped")
	ok("look up and unwrap")
	_, err := c.Logical().UnwrapWithContext(ctx, wrapped.WrapInfo.Token)
	refused(err, 400, "wrapping token is not valid or does not exist")
	ok("unwrap only once")
	again := must(wrapping.Logical().WriteWithContext(ctx, "transit/random/8", nil))
	self := as(again.WrapInfo.Token)
	assert(must(self.Logical().UnwrapWithContext(ctx, "")).Data["random_bytes"] != nil, "by the token itself")
	ok("unwrap by the token itself")
}

func logins(ctx context.Context, c *vault.Client) {
	must(c.Logical().WriteWithContext(ctx, "auth/approle/role/go", fields{"token_ttl": "10m", "secret_id_num_uses": 2}))
	roleID := must(c.Logical().ReadWithContext(ctx, "auth/approle/role/go/role-id")).Data["role_id"].(string)
	secretID := must(c.Logical().WriteWithContext(ctx, "auth/approle/role/go/secret-id", nil)).Data["secret_id"].(string)
	by := must(approle.NewAppRoleAuth(roleID, &approle.SecretID{FromString: secretID}))
	app := client()
	in := must(app.Auth().Login(ctx, by))
	assert(in.Auth.LeaseDuration == 600 && app.Token() == in.Auth.ClientToken, "logged in")
	ok("approle")
	wrapping := client()
	wrapping.SetWrappingLookupFunc(func(string, string) string { return "1m" })
	given := must(wrapping.Logical().WriteWithContext(ctx, "auth/approle/role/go/secret-id", nil)).WrapInfo.Token
	by = must(approle.NewAppRoleAuth(roleID, &approle.SecretID{FromString: given}, approle.WithWrappingToken()))
	must(client().Auth().Login(ctx, by))
	ok("approle with a wrapped secret id")
	wrong := must(approle.NewAppRoleAuth(roleID, &approle.SecretID{FromString: "00000000-0000-0000-0000-000000000000"}))
	_, err := client().Auth().Login(ctx, wrong)
	assert(err != nil, "a wrong secret id")
	ok("approle refuses a wrong secret id")
	must(c.Logical().WriteWithContext(ctx, "auth/userpass/users/gopher", fields{"password": "a long password"}))
	user := must(userpass.NewUserpassAuth("gopher", &userpass.Password{FromString: "a long password"}))
	assert(must(client().Auth().Login(ctx, user)).Auth.Metadata["username"] == "gopher", "the user is known")
	ok("userpass")
}

func policies(ctx context.Context, c *vault.Client) {
	text := `path "secret/data/go/*" { capabilities = ["read"] }`
	check(c.Sys().PutPolicyWithContext(ctx, "go-reader", text))
	assert(must(c.Sys().GetPolicyWithContext(ctx, "go-reader")) == text, "the policy as written")
	listed := must(c.Sys().ListPoliciesWithContext(ctx))
	assert(contains(listed, "go-reader"), "the policy is listed")
	ok("put, get, list policies")
	must(c.KVv2("secret").Put(ctx, "go/a", fields{"b": "c"}))
	made := must(c.Auth().Token().CreateWithContext(ctx, &vault.TokenCreateRequest{Policies: []string{"go-reader"}}))
	reader := as(made.Auth.ClientToken)
	must(reader.KVv2("secret").Get(ctx, "go/a"))
	_, err := reader.KVv2("secret").Put(ctx, "go/a", fields{"b": "d"})
	refused(err, 403, "permission denied")
	_, err = reader.KVv2("secret").Get(ctx, "other/a")
	refused(err, 403, "permission denied")
	ok("a token is held to its policy")
	may := must(reader.Sys().CapabilitiesSelfWithContext(ctx, "secret/data/go/a"))
	assert(len(may) == 1 && may[0] == "read", fmt.Sprint(may))
	by := must(c.Sys().CapabilitiesWithContext(ctx, made.Auth.ClientToken, "secret/data/other"))
	assert(len(by) == 1 && by[0] == "deny", fmt.Sprint(by))
	ok("capabilities")
	check(c.Sys().DeletePolicyWithContext(ctx, "go-reader"))
	assert(must(c.Sys().GetPolicyWithContext(ctx, "go-reader")) == "", "the policy is gone")
	ok("delete policy")
}

func contains(all []string, one string) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return false
}
