// A Hardhat user's way to the contracts: compiled by Hardhat, deployed with viem on a Hardhat node, and a real proof
// (tests/vectors/gated_claims.json) accepted by AccuracyRegistry; a forged one is refused.
//
//   npx hardhat node &  npx hardhat test nodejs
//
// Proofs are bound to addresses and to the chain, so deployer and prover are the accounts that the vectors name.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";

import hre from "hardhat";
import { BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, custom } from "viem";
import { concatHex, getContract, keccak256, parseEther, zeroAddress, zeroHash } from "viem";
import { hardhat } from "viem/chains";

const vectors = JSON.parse(readFileSync(new URL("../vectors/gated_claims.json", import.meta.url), "utf8"));
const caseOf = (id) => vectors.cases.find((one) => one.id === id);

let provider;
let reader;
let wallet;

async function deploy(name, args) {
  const { abi, bytecode } = await hre.artifacts.readArtifact(name);
  const hash = await wallet.deployContract({ abi, bytecode, args, account: vectors.deployer });
  const { contractAddress } = await reader.waitForTransactionReceipt({ hash });
  return getContract({ address: contractAddress, abi, client: { public: reader, wallet } });
}

async function become(account) {
  await provider.request({ method: "hardhat_impersonateAccount", params: [account] });
  await provider.request({ method: "hardhat_setBalance", params: [account, `0x${parseEther("100").toString(16)}`] });
}

async function mined(hash) {
  const receipt = await reader.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, "success");
  return receipt;
}

async function revertedWith(promise) {
  try {
    await promise;
  } catch (error) {
    const revert = error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError);
    if (!revert) throw error;
    return revert.data;
  }
  assert.fail("the call was accepted");
}

let accuracy;
let circuits;
let circuitId;

const claim = ({ threshold, count, proof }) => [vectors.modelId, circuitId, threshold, count, proof, vectors.vka];
const simulate = (args) => accuracy.simulate.claim(args, { account: vectors.prover });

before(async () => {
  ({ provider } = await hre.network.create("devnet"));
  const transport = custom(provider);
  reader = createPublicClient({ chain: hardhat, transport, pollingInterval: 20 });
  wallet = createWalletClient({ chain: hardhat, transport });
  assert.equal(await reader.getChainId(), vectors.chainId);
  await become(vectors.deployer);
  await become(vectors.prover);

  const reusable = await deploy("Halo2VerifierReusable", []);
  await mined(await wallet.sendTransaction({ account: vectors.deployer, data: vectors.dedicatedInitCode }));
  circuits = await deploy("CircuitRegistry", [reusable.address]);
  const models = await deploy("ModelRegistry", []);
  accuracy = await deploy("AccuracyRegistry", [models.address, circuits.address]);
  for (const [name, contract] of Object.entries({ reusable, circuits, models, accuracy })) {
    assert.equal(contract.address.toLowerCase(), vectors.addresses[name].toLowerCase(), name);
  }

  await mined(await reusable.write.registerVka([vectors.vka], { account: vectors.prover }));
  const circuit = {
    ...vectors.circuit,
    vkaDigest: keccak256(concatHex(vectors.vka)),
    verifierCodeHash: zeroHash,
    dedicatedVerifier: zeroAddress,
  };
  await mined(await circuits.write.register([circuit], { account: vectors.prover }));
  circuitId = await circuits.read.idOf([circuit, zeroAddress]);
  assert.equal(circuitId, vectors.circuitIds.reusable);
  await mined(await models.write.register([vectors.commitment, 10, [accuracy.address]], { account: vectors.prover }));
});

for (const id of ["claim-forged-count", "claim-forged-activation", "claim-chosen-rho"]) {
  test(`${id} is refused`, async () => {
    const { errorName, args } = await revertedWith(simulate(claim(caseOf(id))));
    assert.equal(errorName, "InvalidProof");
    assert.equal(args[0], circuitId);
  });
}

test("an honest proof with one bit flipped is refused", async () => {
  const { proof, ...rest } = caseOf("claim-reusable");
  const flipped = `${proof.slice(0, -1)}${(Number.parseInt(proof.at(-1), 16) ^ 1).toString(16)}`;
  const { errorName } = await revertedWith(simulate(claim({ ...rest, proof: flipped })));
  assert.equal(errorName, "InvalidProof");
});

test("an honest proof is accepted once", async () => {
  const honest = caseOf("claim-reusable");
  const { gasUsed } = await mined(await accuracy.write.claim(claim(honest), { account: vectors.prover }));
  assert.ok(gasUsed <= 1_200_000n, `a gated claim used ${gasUsed} gas`);
  const made = await accuracy.read.claimOf([vectors.modelId, circuitId]);
  assert.deepEqual([made.count, made.threshold], [honest.count, honest.threshold]);
  assert.equal(await accuracy.read.isCertified([vectors.modelId, circuitId, honest.count]), true);
  assert.equal(await accuracy.read.isCertified([vectors.modelId, circuitId, honest.count + 1]), false);
  assert.equal((await revertedWith(simulate(claim(honest)))).errorName, "WitnessAlreadyUsed");
});
