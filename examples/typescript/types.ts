// What the types refuse: each line below an @ts-expect-error must be an error, or the compiler complains about that.
import { createPublicClient, http } from "viem";
import { accuracyRegistryAbi, deployments, modelRegistryAbi } from "pyml-contracts";

const client = createPublicClient({ transport: http() });
const address = deployments["31337"].zk.AccuracyRegistry;

export async function refused() {
  // @ts-expect-error: there is no such function
  await client.readContract({ address, abi: accuracyRegistryAbi, functionName: "claimsOf", args: ["0x", "0x"] });
  // @ts-expect-error: a circuit's id is missing
  await client.readContract({ address, abi: accuracyRegistryAbi, functionName: "claimOf", args: ["0x"] });
  // @ts-expect-error: an id is bytes, not a number
  await client.readContract({ address, abi: modelRegistryAbi, functionName: "modelOf", args: [7n] });
  // @ts-expect-error: no such system was deployed
  console.log(deployments["31337"].keys.HelperRegistry);
  const claim = await client.readContract({
    address,
    abi: accuracyRegistryAbi,
    functionName: "claimOf",
    args: ["0x", "0x"],
  });
  const count: number = claim.count;
  // @ts-expect-error: a count is no text
  const text: string = claim.count;
  return [count, text];
}
