// node build/docs/examples/mcp-server.js   (what an MCP client runs: it talks to it over stdin and stdout)
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type Codec, type Transport, framed, jsonLines, stdio } from 'asynchat'
import { INVALID_PARAMS, METHOD_NOT_FOUND, type Params, RpcError, type RpcResponse, type RpcSession, UNREADABLE, isObject, serveRpc, unframed } from './json-rpc.js'

/** The newest first: it is offered to who asks for none of them. The one between them, 2025-03-26, alone has batches. */
const PROTOCOL_VERSIONS: readonly unknown[] = ['2025-06-18', '2024-11-05']
/** Of a message: the arguments of a tool come in one. */
const MAX_LENGTH = 64 * 1024 * 1024

/** JSON-RPC messages, one a line. A line that is no JSON is a message too: it has an answer, as any other. */
export function mcp(): Codec<unknown, RpcResponse> {
  const json = jsonLines({ maxLength: MAX_LENGTH })
  return {
    ...json,
    name: 'mcp',
    parse(line, ctx) {
      try {
        return json.parse(line, ctx)
      } catch {
        return UNREADABLE
      }
    },
  }
}

interface Tool {
  readonly description: string
  readonly inputSchema: { readonly type: 'object'; readonly properties: Readonly<Record<string, object>>; readonly required: readonly string[] }
  /** The text that it gives. What it throws is told to the model: it may try again. */
  run(args: Params): string | Promise<string>
}

const TOOLS: ReadonlyMap<unknown, Tool> = new Map<unknown, Tool>([
  ['sum', {
    description: 'Adds numbers up',
    inputSchema: { type: 'object', properties: { numbers: { type: 'array', items: { type: 'number' } } }, required: ['numbers'] },
    run({ numbers }) {
      if (!Array.isArray(numbers) || !numbers.every((one) => typeof one === 'number')) throw new TypeError('numbers must be an array of numbers')
      return String(numbers.reduce((sum: number, one: number) => sum + one, 0))
    },
  }],
  ['sha256', {
    description: 'The SHA-256 of a text, in hexadecimal digits',
    inputSchema: { type: 'object', properties: { text: { type: 'string', description: 'It is hashed as UTF-8' } }, required: ['text'] },
    run({ text }) {
      if (typeof text !== 'string') throw new TypeError('text must be a string')
      return createHash('sha256').update(text).digest('hex')
    },
  }],
])

export class McpSession implements RpcSession {
  call(method: string, params: Params): unknown {
    switch (method) {
      case 'initialize':
        return this.#initialize(params)
      case 'ping':
        return {}
      case 'tools/list':
        return { tools: Array.from(TOOLS, ([name, { description, inputSchema }]) => ({ name, description, inputSchema })) }
      case 'tools/call':
        return this.#callTool(params)
      // Notifications that change nothing here: `notifications/initialized`, `notifications/cancelled`.
      default:
        throw new RpcError(METHOD_NOT_FOUND, `No such method: ${method}`)
    }
  }

  #initialize({ protocolVersion }: { protocolVersion?: unknown }): unknown {
    return {
      protocolVersion: PROTOCOL_VERSIONS.includes(protocolVersion) ? protocolVersion : PROTOCOL_VERSIONS[0],
      capabilities: { tools: {} },
      serverInfo: { name: 'sums', version: '1.0.0' },
    }
  }

  async #callTool({ name, arguments: args = {} }: { name?: unknown; arguments?: unknown }): Promise<unknown> {
    const tool = TOOLS.get(name)
    if (tool === undefined || !isObject(args)) throw new RpcError(INVALID_PARAMS, `No such tool, or no arguments: ${String(name)}`)
    try {
      return { content: [{ type: 'text', text: await tool.run(args) }] }
    } catch (error) {
      return { content: [{ type: 'text', text: String(error) }], isError: true }
    }
  }
}

/** Resolves when the client has left. */
export async function serveMcp(transport: Transport): Promise<void> {
  await serveRpc(framed(transport, mcp, { errorReply: unframed }), new McpSession())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await serveMcp(stdio()).catch((error: unknown) => {
    console.error(String(error))
    process.exitCode = 1
  })
}
