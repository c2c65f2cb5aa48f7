import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { kmsClient } from '../conformance/aws-kms/clients.ts';
import { startServer } from '../harness.ts';
import { program, run } from '../programs.ts';

/** Terraform's AWS provider: a key, its alias and a secret under it, made, seen unchanged, and taken away. */

const terraform = program('terraform', ['version'], /Terraform v(\S+)/);
const folder = mkdtempSync(join(tmpdir(), 'claviger-terraform-'));
after(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, 'main.tf'),
  `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
variable "server" {}
variable "region" {}
provider "aws" {
  region                      = var.region
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = false
  skip_credentials_validation = false
  endpoints {
    kms            = var.server
    secretsmanager = var.server
    sts            = var.server
  }
}
resource "aws_kms_key" "app" {
  description             = "by Terraform"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  tags                    = { team = "a" }
}
resource "aws_kms_alias" "app" {
  name          = "alias/terraform"
  target_key_id = aws_kms_key.app.key_id
}
resource "aws_secretsmanager_secret" "app" {
  name                    = "terraform/app"
  kms_key_id              = aws_kms_key.app.arn
  recovery_window_in_days = 0
}
resource "aws_secretsmanager_secret_version" "app" {
  secret_id     = aws_secretsmanager_secret.app.id
  secret_string = "correct horse"
}
`,
);

/** The provider comes from a registry of its own, or from a folder that Terraform's configuration names. */
function withoutProvider(): string | false {
  if (terraform.missing) return terraform.missing;
  try {
    execFileSync(terraform.path, ['init', '-input=false', '-no-color'], {
      cwd: folder,
      stdio: 'pipe',
      timeout: 60_000,
    });
    return false;
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? error);
    const line = said.split('\n').find((text) => /Error:|no such host/.test(text));
    return `skipped: terraform init has no hashicorp/aws here: ${line?.trim() ?? said.slice(0, 200)}`;
  }
}

test('Terraform makes a key, an alias and a secret, plans no change, and takes them away', {
  skip: withoutProvider(),
}, async () => {
  const server = await startServer();
  const env = { ...(await server.env()), TF_VAR_server: server.url, TF_VAR_region: (await server.env()).AWS_REGION! };
  const act = (...args: string[]) =>
    run(terraform.path, [`-chdir=${folder}`, ...args, '-input=false', '-no-color'], env);
  const kms = kmsClient(env);
  try {
    await act('apply', '-auto-approve');
    const { KeyMetadata } = await kms.describeKey({ KeyId: 'alias/terraform' });
    assert.equal(KeyMetadata!.Description, 'by Terraform');
    assert.match(await act('plan', '-detailed-exitcode'), /No changes/);
    await act('destroy', '-auto-approve');
    const { KeyMetadata: left } = await kms.describeKey({ KeyId: KeyMetadata!.Arn! });
    assert.equal(left!.KeyState, 'PendingDeletion');
  } finally {
    kms.destroy();
    await server.stop();
  }
});
