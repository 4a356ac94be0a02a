// @alicloud/credentials, and a store of ali-oss on what it gives: one JSON object.
import { createRequire } from "node:module";
import { note, say, status, store } from "./house.mjs";

const { default: Credential, Config } = createRequire(import.meta.url)("@alicloud/credentials");
const { PREFIX, RELAY, SERVER, STS_HOST, PLAIN_STS_HOST, POLICY } = process.env;
const { ROLE, ACCESS_KEY_ID, ACCESS_KEY_SECRET } = process.env;

const from = async (wish) => {
  const { accessKeyId, accessKeySecret, securityToken, type, providerName } =
    await new Credential(new Config(wish)).getCredential();
  const keys = {
    AccessKeyId: accessKeyId,
    AccessKeySecret: accessKeySecret,
    SecurityToken: securityToken,
  };
  return { keys, type, providerName };
};
const put = (name) => async ({ keys }) => store(keys).put(name, Buffer.from("a"));
const kind = ({ keys, type, providerName }) => ({
  type,
  providerName,
  temporary: keys.AccessKeyId.startsWith("STS.") && Boolean(keys.SecurityToken),
});

// A relay, for the URI is asked without any header of ours.
const uri = { type: "credentials_uri", credentialsURI: `${RELAY}/v1/credentials/uploads` };
await note("uri", () => from(uri), kind);
await note("uri of the environment", () => from({ type: "credentials_uri" }), kind);
await note("uri, inside", async () => put(`${PREFIX}a`)(await from(uri)), status);
await note("uri, outside", async () => put("users/bob/a")(await from(uri)), status);
await note("uri, no such grant", () =>
  from({ ...uri, credentialsURI: `${RELAY}/v1/credentials/nothing` }), kind);
await note("uri, no such path", () => from({ ...uri, credentialsURI: `${RELAY}/nothing` }), kind);
await note("uri, without a caller", () =>
  from({ ...uri, credentialsURI: uri.credentialsURI.replace(RELAY, SERVER) }), kind);
const kept = new Credential(new Config({ ...uri, credentialsURI: `${uri.credentialsURI}?duration=3600` }));
await note("uri, kept", async () => {
  const first = await kept.getCredential();
  return { same: first.securityToken === (await kept.getCredential()).securityToken };
});

const role = {
  type: "ram_role_arn",
  accessKeyId: ACCESS_KEY_ID,
  accessKeySecret: ACCESS_KEY_SECRET,
  roleArn: ROLE,
  roleSessionName: "alice",
  roleSessionExpiration: 1800,
  policy: POLICY,
  stsEndpoint: STS_HOST,
};
await note("role", () => from(role), kind);
await note("role, inside", async () => put(`${PREFIX}a`)(await from(role)), status);
await note("role, outside", async () => put("users/bob/a")(await from(role)), status);
await note("role, wrong secret", () => from({ ...role, accessKeySecret: "wrong" }), kind);
await note("role, unknown key", () => from({ ...role, accessKeyId: "LTAInobody" }), kind);
await note("role, too long", () => from({ ...role, roleSessionExpiration: 7200 }), kind);
await note("role, bad policy", () => from({ ...role, policy: "{}" }), kind);
await note("role, plain", () => from({ ...role, stsEndpoint: PLAIN_STS_HOST }), kind);
await note("role of a role", async () => {
  const { keys } = await from({ ...role, policy: undefined });
  return from({
    ...role,
    accessKeyId: keys.AccessKeyId,
    accessKeySecret: keys.AccessKeySecret,
    securityToken: keys.SecurityToken,
  });
}, kind);

// A role for whoever holds a token of the login it trusts; the token is in a file.
const { LOGIN, LOGIN_ROLE, TOKENS } = process.env;
const byToken = (name) => ({
  type: "oidc_role_arn",
  roleArn: LOGIN_ROLE,
  oidcProviderArn: LOGIN,
  oidcTokenFilePath: `${TOKENS}/${name}`,
  roleSessionName: "alice",
  stsEndpoint: STS_HOST,
});
await note("token", () => from(byToken("alice")), kind);
await note("token, inside", async () => put(`${PREFIX}a`)(await from(byToken("alice"))), status);
await note("token, outside", async () => put("users/bob/a")(await from(byToken("alice"))), status);
await note("token, of somebody else", () => from(byToken("bob")), kind);
await note("token, expired", () => from(byToken("expired")), kind);
await note("token, forged", () => from(byToken("forged")), kind);

say();
