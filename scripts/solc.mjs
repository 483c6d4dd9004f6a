// The pinned solc as a command: npm's `solc` (the same compiler, built as WebAssembly) behind the two
// requests that py-solc-x, Brownie, Foundry and Slither make of a native solc:
//
//   solc --version
//   solc --standard-json [--base-path P] [--include-path P]… [--allow-paths P,P…] [file] < input.json
//
// `./dev` makes an executable of it, .dev/bin/solc-v<version>. Sources that the JSON does not embed are read
// from the base path, the include paths and the allowed paths only, as the native compiler does.

import { readFileSync, realpathSync } from "node:fs";
import { createRequire, enableCompileCache } from "node:module";
import path from "node:path";

enableCompileCache?.();
const require = createRequire(import.meta.url);

class UsageError extends Error {}

function parse(args) {
  const options = { version: false, standardJson: false, basePath: "", includePaths: [], allowPaths: [], input: "-" };
  const queue = args.flatMap((arg) => (/^--[a-z-]+=/.test(arg) ? [arg.slice(0, arg.indexOf("=")), arg.slice(arg.indexOf("=") + 1)] : [arg]));
  const value = (name) => {
    if (queue.length === 0) throw new UsageError(`${name} needs a value`);
    return queue.shift();
  };
  while (queue.length > 0) {
    const arg = queue.shift();
    if (arg === "--version") options.version = true;
    else if (arg === "--standard-json") options.standardJson = true;
    else if (arg === "--base-path") options.basePath = value(arg);
    else if (arg === "--include-path" || arg === "-I") options.includePaths.push(value(arg));
    else if (arg === "--allow-paths") options.allowPaths.push(...value(arg).split(",").filter(Boolean));
    else if (arg === "-" || !arg.startsWith("-")) options.input = arg;
    else throw new UsageError(`option ${arg} is not supported; only --version and --standard-json are`);
  }
  if (options.version === options.standardJson) throw new UsageError("give exactly one of --version and --standard-json");
  return options;
}

function isWithin(folder, file) {
  const relative = path.relative(folder, file);
  return relative !== "" && relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

function resolved(folder) {
  try {
    return realpathSync(path.resolve(folder));
  } catch {
    return path.resolve(folder);
  }
}

function sourceReader({ basePath, includePaths, allowPaths }) {
  const roots = [basePath, ...includePaths].map(resolved);
  const allowed = [...roots, ...allowPaths.map(resolved)];
  return (name) => {
    for (const root of roots) {
      let file;
      try {
        file = realpathSync(path.resolve(root, name.replace(/^file:\/\//, "")));
      } catch {
        continue;
      }
      if (!allowed.some((folder) => folder === file || isWithin(folder, file))) {
        return { error: `${name} is outside of the allowed folders` };
      }
      return { contents: readFileSync(file, "utf8") };
    }
    return { error: `${name} is not found` };
  };
}

function main(args) {
  const options = parse(args);
  if (options.version) {
    const version = require("solc").version();
    process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
    return;
  }
  const input = readFileSync(options.input === "-" ? 0 : options.input, "utf8");
  const output = require("solc").compile(input, { import: sourceReader(options) });
  process.stdout.write(`${output}\n`);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`solc: ${error instanceof UsageError ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
