// Uses a server as Go programs use Vault: by HashiCorp's own client, set up by VAULT_ADDR, VAULT_CACERT and VAULT_TOKEN only. Prints
// "ok ..." for each thing that holds, and "end" at last; whatever doesn't hold ends it with a reason and status 1.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	vault "github.com/hashicorp/vault/api"
)

// What reads the answers of a call.
type fields = map[string]any

var suites = map[string]func(context.Context, *vault.Client){
	"system":           system,
	"tokens":           tokens,
	"renewal":          renewal,
	"transit":          transit,
	"secrets":          secrets,
	"plain-secrets":    plainSecrets,
	"wrapping":         wrapping,
	"logins":           logins,
	"policies":         policies,
	"external-secrets": externalSecrets,
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println("github.com/hashicorp/vault/api", version())
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for _, name := range os.Args[1:] {
		suite, known := suites[name]
		assert(known, "there is no suite "+name)
		suite(ctx, client())
	}
	fmt.Println("end")
}

// As a program makes one: everything from the environment.
func client() *vault.Client {
	made := must(vault.NewClient(vault.DefaultConfig()))
	// A refusal is to be seen at once.
	made.SetMaxRetries(0)
	return made
}

func as(token string) *vault.Client {
	other := client()
	other.SetToken(token)
	return other
}

func must[T any](value T, err error) T {
	if err != nil {
		fail(err.Error())
	}
	return value
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func assert(holds bool, what string) {
	if !holds {
		fail(what)
	}
}

func fail(why string) {
	fmt.Println("not ok", why)
	os.Exit(1)
}

func ok(what string) { fmt.Println("ok", what) }

// The call was refused with this status and words.
func refused(err error, status int, words string) {
	var answer *vault.ResponseError
	if !errors.As(err, &answer) {
		fail(fmt.Sprintf("was not refused with %q: %v", words, err))
	}
	assert(answer.StatusCode == status, fmt.Sprintf("status %d: %v", answer.StatusCode, err))
	assert(strings.Contains(err.Error(), words), err.Error())
}
