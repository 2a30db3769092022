// The TypeScript SDKs as clients of a server or a gateway: v1 speaks up to 2025-11-25, v2 speaks 2026-07-28 too.
//
// Node runs this file as it is (type stripping, Node 24). It reads a plan from stdin:
//   { sdk, mode?, stdio: {command, args} | http: {url, token}, answer?, steps: [{list} | {call, arguments, cancelAfter?}] }
// and prints one JSON document: the protocol version, what was asked, and the result of every step.

type Step = { list?: true; call?: string; arguments?: Record<string, unknown>; cancelAfter?: number };
type Plan = {
  sdk: "v1" | "v2";
  mode?: "legacy" | "auto" | { pin: string };
  stdio?: { command: string; args: string[]; env: Record<string, string> };
  http?: { url: string; token: string };
  answer?: Record<string, unknown>;
  steps: Step[];
};

async function parts(sdk: Plan["sdk"]): Promise<any> {
  if (sdk === "v2") {
    const [client, stdio] = await Promise.all([
      import("@modelcontextprotocol/client"),
      import("@modelcontextprotocol/client/stdio"),
    ]);
    return { ...client, ...stdio, elicit: "elicitation/create" };
  }
  const [client, stdio, http, types] = await Promise.all([
    import("@modelcontextprotocol/sdk/client/index.js"),
    import("@modelcontextprotocol/sdk/client/stdio.js"),
    import("@modelcontextprotocol/sdk/client/streamableHttp.js"),
    import("@modelcontextprotocol/sdk/types.js"),
  ]);
  return { ...client, ...stdio, ...http, elicit: types.ElicitRequestSchema };
}

async function take(client: any, step: Step): Promise<unknown> {
  if (step.list) return (await client.listTools()).tools;
  const steps: number[] = [];
  const stop = new AbortController();
  const options = { signal: stop.signal, onprogress: (note: { progress: number }) => steps.push(note.progress) };
  if (step.cancelAfter) setTimeout(() => stop.abort("enough"), step.cancelAfter);
  const params = { name: step.call, arguments: step.arguments ?? {} };
  try {
    // v1 takes a schema in between; undefined means the usual one.
    const result = await (client.sdk === "v2" ? client.callTool(params, options) : client.callTool(params, undefined, options));
    return { ...result, steps };
  } catch (problem) {
    return { thrown: String(problem) };
  }
}

let text = "";
for await (const chunk of process.stdin) text += chunk;
const plan: Plan = JSON.parse(text);
const sdk = await parts(plan.sdk);
const asked: string[] = [];
const client = new sdk.Client(
  { name: "flotilla-test-typescript", version: "1" },
  {
    capabilities: plan.answer ? { elicitation: {} } : {},
    ...(plan.sdk === "v2" && plan.mode ? { versionNegotiation: { mode: plan.mode } } : {}),
  },
);
client.sdk = plan.sdk;
if (plan.answer) {
  client.setRequestHandler(sdk.elicit, async (request: { params: { message: string } }) => {
    asked.push(request.params.message);
    return { action: "accept", content: plan.answer };
  });
}
const transport = plan.stdio
  ? new sdk.StdioClientTransport({ ...plan.stdio, stderr: "ignore" })
  : new sdk.StreamableHTTPClientTransport(new URL(plan.http!.url), {
      requestInit: { headers: { Authorization: `Bearer ${plan.http!.token}` } },
    });
await client.connect(transport);
const results: unknown[] = [];
for (const step of plan.steps) results.push(await take(client, step));
const version = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? null;
await client.close();
process.stdout.write(JSON.stringify({ version, asked, results }));
