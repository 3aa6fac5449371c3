// node build/docs/examples/lsp-server.js   (this file: JSON-RPC 2.0 over messages, whatever frames them: for lsp-server.ts and mcp-server.ts)
import { finished } from 'node:stream/promises'
import { type Framed, NULL } from 'asynchat'

export const PARSE_ERROR = -32700
export const INVALID_REQUEST = -32600
export const METHOD_NOT_FOUND = -32601
export const INVALID_PARAMS = -32602
const INTERNAL_ERROR = -32603

export type Params = Readonly<Record<string, unknown>>

/** Answers for one peer. */
export interface RpcSession {
  /** The result of a request; what it throws is the error. The result of a notification is for nobody. */
  call(method: string, params: Params): unknown
  /** No further message is looked at. */
  readonly isOver?: boolean
}

export interface RpcResponse {
  readonly jsonrpc: '2.0'
  readonly id: string | number | null
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string }
}

export class RpcError extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** A message that is no JSON. It had its place among the others, so those after it can be read. */
export const UNREADABLE: unique symbol = Symbol('unreadable')

/** The value that a JSON text says, for a codec to return. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text) ?? NULL
  } catch {
    return UNREADABLE
  }
}

/** The answer to a peer that broke the framing: the last one, no message can be found behind that. */
export function unframed({ message }: Error): RpcResponse {
  return failure(null, PARSE_ERROR, message)
}

/** Answers message after message, in their order, until the peer or the session ends. Rejects where the peer breaks the protocol. */
export async function serveRpc(stream: Framed<unknown, RpcResponse>, session: RpcSession): Promise<void> {
  for await (const message of stream.iterator({ destroyOnReturn: false })) {
    const response = await answerTo(message, session)
    // While the peer does not take its answers, it is asked for nothing.
    if (response !== null) await send(stream, response)
    if (session.isOver === true) break
  }
  stream.end()
  await finished(stream, { readable: false })
  stream.destroy()
}

export function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Null: no answer is due. */
async function answerTo(message: unknown, session: RpcSession): Promise<RpcResponse | null> {
  if (message === UNREADABLE) return failure(null, PARSE_ERROR, 'No JSON')
  if (isAnswer(message)) return null
  if (!isRequest(message)) return failure(null, INVALID_REQUEST, 'No request')
  const { id = null, method } = message
  let response: RpcResponse
  try {
    const params = isNothing(message.params) ? {} : message.params
    if (!isObject(params)) throw new RpcError(INVALID_PARAMS, 'Parameters go by name')
    response = { jsonrpc: '2.0', id, result: (await session.call(method, params)) ?? null }
  } catch (error) {
    response = failure(id, error instanceof RpcError ? error.code : INTERNAL_ERROR, (error as Error).message)
  }
  // One without an id is a notification.
  return id === null ? null : response
}

function failure(id: string | number | null, code: number, message: string): RpcResponse {
  return { jsonrpc: '2.0', id, error: { code, message } }
}

function isRequest(value: unknown): value is { readonly id?: string | number; readonly method: string; readonly params?: unknown } {
  if (!isObject(value) || value['jsonrpc'] !== '2.0') return false
  return typeof value['method'] === 'string' && ['string', 'number', 'undefined'].includes(typeof value['id'])
}

/** Some clients say so that there are no parameters. */
function isNothing(params: unknown): boolean {
  return params === undefined || params === null || (Array.isArray(params) && params.length === 0)
}

/** An answer of the peer: it was asked for nothing. */
function isAnswer(message: unknown): boolean {
  return isObject(message) && message['method'] === undefined && ('result' in message || 'error' in message)
}

function send(stream: Framed<unknown, RpcResponse>, response: RpcResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(response, (error) => (error ? reject(error) : resolve()))
  })
}
