// Reads {document, values} from standard input, and answers with what the official parser
// says about the AsyncAPI document ("error" and "warning"), and which of the values
// {schema, value} its components' schemas take, read as JSON Schema 2020-12.
import { text } from "node:stream/consumers";
import { Parser } from "@asyncapi/parser";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const { document, values } = JSON.parse(await text(process.stdin));

const { diagnostics } = await new Parser().parse(JSON.stringify(document));
const problems = diagnostics
  .filter((d) => d.severity <= 1)
  .map((d) => `${["error", "warning"][d.severity]} ${d.code} at ${d.path.join(".")}: ${d.message}`);

const ajv = new Ajv.default({ strict: true, strictTypes: false, allowUnionTypes: true });
addFormats.default(ajv);
ajv.addVocabulary(["x-attachment", "x-validate"]);
const moved = JSON.stringify(document).replaceAll("#/components/schemas/", "#/$defs/");
const parsed = JSON.parse(moved);
ajv.addSchema({ $id: "document", $defs: parsed.components?.schemas ?? {} });
for (const channel of Object.values(parsed.channels ?? {})) {
  for (const { payload } of Object.values(channel.messages ?? {})) {
    if (payload) {
      ajv.compile(JSON.parse(JSON.stringify(payload).replaceAll("#/$defs/", "document#/$defs/")));
    }
  }
}
const taken = (values ?? []).map(({ schema, value }) =>
  ajv.validate({ $ref: `document#/$defs/${schema}` }, value),
);
console.log(JSON.stringify({ problems, taken }));
