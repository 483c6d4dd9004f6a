// Register a model on a development chain, then list every registered model from its events.
//
//   pyml devnet                                     (another terminal; prints the URL)
//   pyml deploy --system zk --rpc URL
//   pyml chain package node_modules/pyml-contracts --deployments deployments
//   npm install viem && node models.ts URL          (Node 22.18 or later runs TypeScript as it is)
import { createPublicClient, createWalletClient, defineChain, http, keccak256, toHex, type Address } from "viem";
import { deployments, modelRegistryAbi } from "pyml-contracts";

declare const process: { readonly argv: readonly string[] }; // of Node, without all of its types

const url = process.argv[2] ?? "http://127.0.0.1:8545";
const chain = defineChain({
  id: 31337,
  name: "development",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const registry: Address = deployments["31337"].zk.ModelRegistry;
const client = createPublicClient({ chain, transport: http() });
const wallet = createWalletClient({ chain, transport: http() });

export async function register(owner: Address, commitment: `0x${string}`): Promise<void> {
  const { request } = await client.simulateContract({
    account: owner,
    address: registry,
    abi: modelRegistryAbi,
    functionName: "register",
    args: [commitment, 255, []],
  });
  await client.waitForTransactionReceipt({ hash: await wallet.writeContract(request) });
}

export async function models() {
  const events = await client.getContractEvents({
    address: registry,
    abi: modelRegistryAbi,
    eventName: "ModelRegistered",
    fromBlock: 0n,
    strict: true,
  });
  return Promise.all(
    events.map(async ({ args, blockNumber }) => {
      const model = await client.readContract({
        address: registry,
        abi: modelRegistryAbi,
        functionName: "modelOf",
        args: [args.modelId],
      });
      return { id: args.modelId, owner: args.owner, block: Number(blockNumber), revoked: model.revoked };
    }),
  );
}

const [owner] = await wallet.getAddresses();
if (owner === undefined) throw new Error(`${url} holds no accounts: this example is for development chains`);
// Stands for the commitment that `pyml zk commit` prints; random, since a model can be registered once.
await register(owner, keccak256(toHex(crypto.getRandomValues(new Uint8Array(32)))));
console.log(JSON.stringify(await models()));
