// A Hardhat user's way to the contracts: compiled by Hardhat, deployed with viem on a Hardhat node, and real proofs
// (tests/vectors/gated_claims.json) accepted by AccuracyRegistry, PrivateInput and PrivateInference; forged ones are
// refused.
//
//   npx hardhat node &  npx hardhat test nodejs
//
// Proofs are bound to addresses and to the chain, so deployer and prover are the accounts that the vectors name.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";

import hre from "hardhat";
import { BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, custom } from "viem";
import { concatHex, getContract, keccak256, parseEther, sliceHex, zeroAddress, zeroHash } from "viem";
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
let inputs;
let inference;

const { accuracy: claimed, dedicated, input: attested, inference: answered } = vectors.circuits;
const account = vectors.prover;
const claim = ({ threshold, count, proof }) => [vectors.modelId, claimed.id, threshold, count, proof, claimed.vka];
const attestation = ({ label, proof }) => [attested.id, vectors.purpose, label, proof, attested.vka];
const answer = ({ features, label, proof }) => [vectors.modelId, answered.id, features, label, proof, answered.vka];
const simulate = (one) => {
  if ("features" in one) return inference.simulate.answer(answer(one), { account });
  if ("label" in one) return inputs.simulate.attest(attestation(one), { account });
  return accuracy.simulate.claim(claim(one), { account });
};

async function register({ id, vka, ...description }, reusable) {
  await mined(await reusable.write.registerVka([vka], { account }));
  const circuit = {
    ...description,
    vkaDigest: keccak256(concatHex(vka)),
    verifierCodeHash: zeroHash,
    dedicatedVerifier: zeroAddress,
  };
  await mined(await circuits.write.register([circuit], { account }));
  assert.equal(await circuits.read.idOf([circuit, zeroAddress]), id);
}

before(async () => {
  ({ provider } = await hre.network.create("devnet"));
  const transport = custom(provider);
  reader = createPublicClient({ chain: hardhat, transport, pollingInterval: 20 });
  wallet = createWalletClient({ chain: hardhat, transport });
  assert.equal(await reader.getChainId(), vectors.chainId);
  await become(vectors.deployer);
  await become(vectors.prover);

  const reusable = await deploy("Halo2VerifierReusable", []);
  await mined(await wallet.sendTransaction({ account: vectors.deployer, data: dedicated.initCode }));
  circuits = await deploy("CircuitRegistry", [reusable.address]);
  const models = await deploy("ModelRegistry", []);
  accuracy = await deploy("AccuracyRegistry", [models.address, circuits.address]);
  inputs = await deploy("PrivateInput", [circuits.address]);
  inference = await deploy("PrivateInference", [models.address, circuits.address]);
  const deployed = { reusable, circuits, models, accuracy, privateInput: inputs, privateInference: inference };
  for (const [name, contract] of Object.entries(deployed)) {
    assert.equal(contract.address.toLowerCase(), vectors.addresses[name].toLowerCase(), name);
  }

  await register(claimed, reusable);
  await register(attested, reusable);
  await register(answered, reusable);
  const { commitment, proofLimit } = vectors;
  const consumers = [accuracy.address, inference.address];
  await mined(await models.write.register([commitment, proofLimit, consumers], { account }));
});

for (const one of vectors.cases.filter(({ result }) => result === "invalid")) {
  test(`${one.id} is refused`, async () => {
    const { errorName, args } = await revertedWith(simulate(one));
    if (one.flags.includes("other-model")) {
      assert.equal(errorName, "NotThisModel");
      assert.deepEqual(args, [vectors.commitment, keccak256(sliceHex(one.proof, 0, 64))]);
    } else {
      assert.equal(errorName, "InvalidProof");
      assert.deepEqual(args, [vectors.circuits[one.circuit].id, BigInt(one.rho)]);
    }
  });
}

for (const id of ["claim-reusable", "attest", "infer"]) {
  test(`${id} with one bit flipped is refused`, async () => {
    const { proof, ...rest } = caseOf(id);
    const flipped = `${proof.slice(0, -1)}${(Number.parseInt(proof.at(-1), 16) ^ 1).toString(16)}`;
    const { errorName } = await revertedWith(simulate({ ...rest, proof: flipped }));
    assert.equal(errorName, "InvalidProof");
  });
}

test("an honest claim is accepted once", async () => {
  const honest = caseOf("claim-reusable");
  const { gasUsed } = await mined(await accuracy.write.claim(claim(honest), { account }));
  assert.ok(gasUsed <= 1_200_000n, `a gated claim used ${gasUsed} gas`);
  const made = await accuracy.read.claimOf([vectors.modelId, claimed.id]);
  assert.deepEqual([made.count, made.threshold], [honest.count, honest.threshold]);
  assert.equal(await accuracy.read.isCertified([vectors.modelId, claimed.id, honest.count]), true);
  assert.equal(await accuracy.read.isCertified([vectors.modelId, claimed.id, honest.count + 1]), false);
  assert.equal((await revertedWith(simulate(honest))).errorName, "WitnessAlreadyUsed");
});

test("an honest attestation is accepted once", async () => {
  const honest = caseOf("attest");
  await mined(await inputs.write.attest(attestation(honest), { account }));
  const made = await inputs.read.attestationOf([account, attested.id, vectors.purpose]);
  assert.equal(made.label, BigInt(honest.label));
  assert.equal((await revertedWith(simulate(honest))).errorName, "WitnessAlreadyUsed");
});

test("the certified model's honest answer is accepted once", async () => {
  const honest = caseOf("infer");
  const { gasUsed } = await mined(await inference.write.answer(answer(honest), { account }));
  assert.ok(gasUsed <= 800_000n, `an answer used ${gasUsed} gas`);
  const made = await inference.read.answerOf([vectors.modelId, answered.id, keccak256(honest.features)]);
  assert.equal(made.label, BigInt(honest.label));
  assert.equal((await revertedWith(simulate(honest))).errorName, "WitnessAlreadyUsed");
});
