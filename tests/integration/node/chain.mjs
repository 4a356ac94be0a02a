// @alicloud/credentials with its default chain, twice from one client: what it found, and where.
import { createRequire } from "node:module";
import { note, say } from "./house.mjs";

const { default: Credential } = createRequire(import.meta.url)("@alicloud/credentials");

const chain = new Credential();
for (const name of ["first", "second"]) {
  await note(name, async () => {
    const { accessKeyId, accessKeySecret, securityToken, providerName } =
      await chain.getCredential();
    return { accessKeyId, accessKeySecret, securityToken, providerName };
  });
}
say();
