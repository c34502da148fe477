// node validate.mjs FILE.har...: checks files against the HAR 1.2 JSON schema (npm har-validator).
// Exit 0: all are valid; 1: one is not (a line per fault); 2: the validator is not installed.
import fs from 'node:fs';

let har;
try {
  ({har} = (await import('har-validator/lib/promise.js')).default);
} catch (e) {
  console.error('run "npm install --no-package-lock --ignore-scripts" in ' + import.meta.dirname + ': ' + e.message);
  process.exit(2);
}
let bad = 0;
for (const file of process.argv.slice(2)) {
  try {
    await har(JSON.parse(fs.readFileSync(file, 'utf8').replace(/^\ufeff/, '')));
  } catch (e) {
    for (const f of e.errors ?? [e]) {
      console.log(`${file}: ${f.dataPath ?? ''} ${f.message} ${JSON.stringify(f.params ?? '')}`);
      bad = 1;
    }
  }
}
process.exit(bad);
