// One step of ZoKrates in Node: `node zokrates.mjs REQUEST.json ANSWER.json`, a request being {action, folder, package}.
// `prepare` compiles FOLDER/program.zok and sets it up; `prove` takes FOLDER/arguments.json. Loading files is not timed.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";

const FIELD_BYTES = 32;
const [requestPath, answerPath] = process.argv.slice(2);
const request = JSON.parse(readFileSync(requestPath, "utf8"));
const file = (name) => join(request.folder, name);
let step = "start";

async function zokrates() {
    const require = createRequire(join(request.package, "package.json"));
    const { initialize } = await import(pathToFileURL(require.resolve("zokrates-js")));
    return (await initialize()).withOptions({ backend: "ark", curve: "bn128", scheme: "g16" });
}

function timed(name, act) {
    step = name;
    const started = performance.now();
    const result = act();
    return [result, (performance.now() - started) / 1000];
}

function prepare(provider) {
    const source = readFileSync(file("program.zok"), "utf8");
    const [artifacts, compiled] = timed("compile", () => provider.compile(source));
    const [keys, set] = timed("setup", () => provider.setup(artifacts.program));
    writeFileSync(file("program"), artifacts.program);
    writeFileSync(file("abi.json"), JSON.stringify(artifacts.abi));
    writeFileSync(file("proving.key"), keys.pk);
    writeFileSync(file("verifying.json"), JSON.stringify(keys.vk));
    return {
        compile_s: compiled,
        setup_s: set,
        constraints: artifacts.constraintCount,
        proving_key_mb: keys.pk.length / 1e6,
        verifying_key_bytes: FIELD_BYTES * hexadecimals(keys.vk).length,
        program_mb: statSync(file("program")).size / 1e6,
    };
}

function prove(provider) {
    const artifacts = { program: readFileSync(file("program")), abi: JSON.parse(readFileSync(file("abi.json"), "utf8")) };
    const provingKey = readFileSync(file("proving.key"));
    const verifyingKey = JSON.parse(readFileSync(file("verifying.json"), "utf8"));
    const given = JSON.parse(readFileSync(file("arguments.json"), "utf8"));
    const [{ witness }, witnessed] = timed("witness", () => provider.computeWitness(artifacts, given));
    const [proof, proved] = timed("proof", () => provider.generateProof(artifacts.program, witness, provingKey));
    const [valid, verified] = timed("verify", () => provider.verify(verifyingKey, proof));
    return {
        total_s: witnessed + proved,
        witness_s: witnessed,
        prove_s: proved,
        verify_s: verified,
        proof_bytes: FIELD_BYTES * hexadecimals(proof.proof).length,
        valid,
        inputs: proof.inputs,
    };
}

// Every field element in a proof or key.
function hexadecimals(value) {
    if (typeof value === "string") return value.startsWith("0x") ? [value] : [];
    return value !== null && typeof value === "object" ? Object.values(value).flatMap(hexadecimals) : [];
}

let answer;
try {
    const provider = await zokrates();
    answer = request.action === "prepare" ? prepare(provider) : prove(provider);
} catch (error) {
    answer = { failed: step, reason: String(error?.message ?? error).split("\n")[0].slice(0, 200) };
}
writeFileSync(answerPath, JSON.stringify(answer));
