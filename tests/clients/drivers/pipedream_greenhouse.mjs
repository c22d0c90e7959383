// Runs the components of `@pipedream/greenhouse` as its platform does. Reads one call a line, `["component", {properties}]`,
// and writes one answer a line: what the component returned, and the events that it emitted. A call of `options.NAME`
// returns the choices for a property. The address is all that it changes.
import { readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = `${process.env.ROWEN_CLIENTS}/npm/node_modules/@pipedream/greenhouse`;
const load = async (path) => (await import(pathToFileURL(path).href)).default;

const definition = await load(`${folder}/greenhouse.app.mjs`);
const address = definition.methods._baseUrl();
if (address !== "https://harvest.greenhouse.io/v1") throw new Error(address);

function bind(target, methods) {
  for (const [name, method] of Object.entries(methods)) target[name] = method.bind(target);
  return target;
}

const app = bind({ $auth: { api_key: process.env.GREENHOUSE_API_KEY } }, definition.methods);
app._baseUrl = () => `${process.env.ROWEN_ADDRESS}/v1`;

const stores = {};
async function run(name, properties) {
  const kind = readdirSync(`${folder}/sources`).includes(name) ? "sources" : "actions";
  const component = await load(`${folder}/${kind}/${name}/${name}.mjs`);
  const store = (stores[name] ??= new Map());
  const events = [];
  const context = {
    ...properties,
    greenhouse: app,
    db: { get: (key) => store.get(key), set: (key, value) => store.set(key, value) },
    $emit: (event, meta) => events.push({ event, meta }),
  };
  bind(context, component.methods ?? {});
  const returned = await component.run.call(context, { $: { export: () => {} } });
  return { returned: returned ?? null, events };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, properties] = JSON.parse(line);
  let answer;
  try {
    answer = name.startsWith("options.")
      ? { result: await definition.propDefinitions[name.slice(8)].options.call(app, properties) }
      : { result: await run(name, properties) };
  } catch (error) {
    answer = { raised: `${error.response?.status ?? error.name}: ${JSON.stringify(error.response?.data ?? error.message)}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
