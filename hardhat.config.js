// Hardhat 3, offline: the compiler is the locked npm package, not a download.
// Compiler settings are those of pyml/chain/solc.py; tests/tooling/test_settings.py keeps all copies equal.
import { createRequire } from "node:module";

import hardhatNodeTestRunner from "@nomicfoundation/hardhat-node-test-runner";
import { defineConfig } from "hardhat/config";

const require = createRequire(import.meta.url);

export default defineConfig({
  plugins: [hardhatNodeTestRunner],
  paths: {
    sources: "./contracts",
    tests: { nodejs: "./tests/hardhat", solidity: "./tests/contracts" },
    cache: "./cache/hardhat",
    artifacts: "./cache/hardhat/artifacts",
  },
  solidity: {
    version: "0.8.37",
    path: require.resolve("solc/soljson.js"),
    settings: {
      evmVersion: "cancun",
      optimizer: { enabled: true, runs: 200 },
      viaIR: false,
      metadata: { appendCBOR: false, bytecodeHash: "none" },
    },
  },
  networks: {
    // `npx hardhat node`, or any other node, at the address that HARDHAT_NODE names.
    devnet: { type: "http", chainType: "l1", url: process.env.HARDHAT_NODE ?? "http://127.0.0.1:8545" },
  },
});
