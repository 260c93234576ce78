// One cell of the table, in a process of its own: node cell.mjs SCRIPT FUNCTION
// prints one line of JSON, { answer, seen }, and ends. What a script raises is an error of the script: no answer.
import { pathToFileURL } from "node:url";

const [script, name] = process.argv.slice(2);
const cells = await import(pathToFileURL(script));
if (typeof cells[name] !== "function") throw new Error(`${script} has no function ${name}`);
console.log(JSON.stringify(await cells[name]()));
process.exit(0);
