// A real OpenID Connect provider on loopback, for the tests: oidc-provider with accounts, clients
// and keys as the test's file says. Prints its issuer when it is ready.
//
// Usage: provider.mjs MODULES SETTINGS.json     {port, cert, key, jwks, accounts, clients}
import { createServer } from "node:https";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";

const [modules, file] = process.argv.slice(2);
const resolve = createRequire(pathToFileURL(modules + "/")).resolve;
const { default: Provider } = await import(pathToFileURL(resolve("oidc-provider")));
const settings = JSON.parse(readFileSync(file));
const server = createServer({ cert: readFileSync(settings.cert), key: readFileSync(settings.key) });

server.listen(settings.port, "127.0.0.1", () => {
    const issuer = `https://localhost:${server.address().port}`;
    const provider = new Provider(issuer, {
        clients: settings.clients,
        jwks: settings.jwks,
        cookies: { keys: ["only-for-tests"] },
        conformIdTokenClaims: false,
        claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
        features: { deviceFlow: { enabled: true } },
        ttl: { IdToken: settings.idTokenSeconds ?? 300 },
        async findAccount(ctx, id) {
            const account = settings.accounts[id];
            return account && { accountId: id, claims: async () => ({ sub: id, ...account }) };
        },
    });
    server.on("request", provider.callback());
    console.log(`ready ${issuer}`);
});
