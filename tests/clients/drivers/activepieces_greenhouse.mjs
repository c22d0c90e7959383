// Runs the actions and triggers of `@activepieces/piece-greenhouse` as its platform does. Reads one call a line,
// `["name", {properties}]`, and writes one answer a line: what an action returned, or the events that a trigger shows for
// the last day. The addresses are all that it changes: they are constants of the package.
import { readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { createInterface } from "node:readline";

const address = process.env.ROWEN_ADDRESS;
const file = `${process.env.ROWEN_CLIENTS}/npm/node_modules/@activepieces/piece-greenhouse/src/index.js`;
const source = readFileSync(file, "utf8");
if (!source.includes('"https://harvest.greenhouse.io/v3"')) throw new Error("The package has another address");

const loaded = new Module(file);
loaded.require = createRequire(file);
loaded._compile(source.replaceAll('"https://harvest.greenhouse.io/v3"', JSON.stringify(`${address}/v3`)), file);
const piece = loaded.exports.greenhouse;

async function authenticate() {
  const credentials = `${process.env.CLIENT_ID}:${process.env.CLIENT_SECRET}`;
  const answer = await fetch(`${address}/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${Buffer.from(credentials).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  return answer.json();
}

const auth = await authenticate();
const store = { get: async () => null, put: async () => {}, delete: async () => {} };
for await (const line of createInterface({ input: process.stdin })) {
  const [name, propsValue] = JSON.parse(line);
  const context = { auth, propsValue, store, files: {}, server: {} };
  let answer;
  try {
    const trigger = piece.triggers()[name];
    answer = { result: await (trigger ? trigger.test(context) : piece.actions()[name].run(context)) };
  } catch (error) {
    answer = { raised: `${error.name}: ${error.message}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
