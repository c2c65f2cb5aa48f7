package main

import (
	"context"
	"encoding/base64"
	"fmt"

	vault "github.com/hashicorp/vault/api"
)

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func transit(ctx context.Context, c *vault.Client) {
	write := func(path string, body fields) fields {
		answer := must(c.Logical().WriteWithContext(ctx, "transit/"+path, body))
		if answer == nil {
			return nil
		}
		return answer.Data
	}
	write("keys/go", fields{"type": "aes256-gcm96"})
	read := must(c.Logical().ReadWithContext(ctx, "transit/keys/go")).Data
	assert(read["type"] == "aes256-gcm96" && fmt.Sprint(read["latest_version"]) == "1", fmt.Sprint(read))
	listed := must(c.Logical().ListWithContext(ctx, "transit/keys")).Data["keys"].([]any)
	assert(len(listed) > 0, "keys are listed")
	ok("create, read, list keys")
	sealed := write("encrypt/go", fields{"plaintext": b64("text")})["ciphertext"]
	assert(write("decrypt/go", fields{"ciphertext": sealed})["plaintext"] == b64("text"), "it opens")
	write("keys/go/rotate", nil)
	newer := write("rewrap/go", fields{"ciphertext": sealed})["ciphertext"]
	assert(newer.(string)[:9] == "vault:v2:", "wrapped anew")
	ok("encrypt, decrypt, rotate, rewrap")
	batch := []fields{{"plaintext": b64("a")}, {"plaintext": b64("b")}}
	results := write("encrypt/go", fields{"batch_input": batch})["batch_results"].([]any)
	assert(len(results) == 2, "both are there")
	ok("batches")
	write("keys/go-signer", fields{"type": "ecdsa-p256"})
	signature := write("sign/go-signer", fields{"input": b64("text")})["signature"]
	verdict := write("verify/go-signer", fields{"input": b64("text"), "signature": signature})
	assert(verdict["valid"] == true, "the signature is valid")
	ok("sign, verify")
	hmac := write("hmac/go", fields{"input": b64("text")})["hmac"]
	assert(write("verify/go", fields{"input": b64("text"), "hmac": hmac})["valid"] == true, "the hmac is valid")
	key := write("datakey/plaintext/go", nil)
	assert(write("decrypt/go", fields{"ciphertext": key["ciphertext"]})["plaintext"] == key["plaintext"], "the data key")
	ok("hmac, data keys")
	_, err := c.Logical().DeleteWithContext(ctx, "transit/keys/go")
	refused(err, 400, "deletion is not allowed")
	write("keys/go/config", fields{"deletion_allowed": true})
	must(c.Logical().DeleteWithContext(ctx, "transit/keys/go"))
	assert(must(c.Logical().ReadWithContext(ctx, "transit/keys/go")) == nil, "it is gone")
	ok("delete a key where that is allowed")
}

func secrets(ctx context.Context, c *vault.Client) {
	kv := c.KVv2("secret")
	must(kv.Put(ctx, "go/db", fields{"user": "a", "password": "b"}))
	first := must(kv.Get(ctx, "go/db"))
	assert(first.Data["user"] == "a" && first.VersionMetadata.Version == 1, "the secret")
	ok("put, get")
	must(kv.Put(ctx, "go/db", fields{"user": "c"}, vault.WithCheckAndSet(1)))
	_, err := kv.Put(ctx, "go/db", fields{"user": "d"}, vault.WithCheckAndSet(1))
	refused(err, 400, "check-and-set parameter did not match")
	ok("check and set")
	must(kv.Patch(ctx, "go/db", fields{"password": "e"}))
	must(kv.Patch(ctx, "go/db", fields{"port": 5432}, vault.WithMergeMethod(vault.KVMergeMethodPatch)))
	must(kv.Patch(ctx, "go/db", fields{"host": "h"}, vault.WithMergeMethod(vault.KVMergeMethodReadWrite)))
	patched := must(kv.Get(ctx, "go/db"))
	assert(patched.Data["user"] == "c" && patched.Data["password"] == "e" && patched.Data["host"] == "h", "merged")
	assert(patched.VersionMetadata.Version == 5, "five versions")
	ok("patch by both methods")
	assert(must(kv.GetVersion(ctx, "go/db", 1)).Data["password"] == "b", "the first version")
	versions := must(kv.GetVersionsAsList(ctx, "go/db"))
	assert(len(versions) == 5 && versions[4].Version == 5, "versions in order")
	ok("versions")
	check(kv.PutMetadata(ctx, "go/db", vault.KVMetadataPutInput{MaxVersions: 9, CustomMetadata: fields{"owner": "go"}}))
	check(kv.PatchMetadata(ctx, "go/db", vault.KVMetadataPatchInput{CustomMetadata: fields{"tier": "1"}}))
	metadata := must(kv.GetMetadata(ctx, "go/db"))
	assert(metadata.MaxVersions == 9 && metadata.CurrentVersion == 5, "metadata")
	assert(metadata.CustomMetadata["owner"] == "go" && metadata.CustomMetadata["tier"] == "1", "custom metadata")
	ok("metadata: put, patch, get")
	check(kv.Delete(ctx, "go/db"))
	gone := must(kv.Get(ctx, "go/db"))
	assert(gone.Data == nil && !gone.VersionMetadata.DeletionTime.IsZero(), "deleted, and told when")
	check(kv.Undelete(ctx, "go/db", []int{5}))
	check(kv.DeleteVersions(ctx, "go/db", []int{1}))
	check(kv.Destroy(ctx, "go/db", []int{2}))
	rolled := must(kv.Rollback(ctx, "go/db", 3))
	assert(rolled.VersionMetadata.Version == 6, "rolled back")
	ok("delete, undelete, destroy, roll back")
	names := must(c.Logical().ListWithContext(ctx, "secret/metadata/go")).Data["keys"].([]any)
	assert(len(names) > 0, "names are listed")
	check(kv.DeleteMetadata(ctx, "go/db"))
	_, err = kv.Get(ctx, "go/db")
	assert(err != nil, "nothing is left")
	ok("list, delete all")
}

func plainSecrets(ctx context.Context, c *vault.Client) {
	kv := c.KVv1("kv")
	check(kv.Put(ctx, "go/db", fields{"user": "a"}))
	assert(must(kv.Get(ctx, "go/db")).Data["user"] == "a", "the secret")
	check(kv.Put(ctx, "go/db", fields{"user": "b"}))
	assert(must(kv.Get(ctx, "go/db")).Data["user"] == "b", "the secret, written over")
	check(kv.Delete(ctx, "go/db"))
	_, err := kv.Get(ctx, "go/db")
	assert(err != nil, "it is gone")
	ok("put, get, delete without versions")
}
