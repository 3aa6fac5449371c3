// node build/docs/examples/lsp-server.js   (what an editor runs: it talks to it over stdin and stdout)
import { fileURLToPath } from 'node:url'
import { type Codec, type Transport, framed, headers, stdio } from 'asynchat'
import { INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, type Params, RpcError, type RpcResponse, type RpcSession, isObject, readJson, serveRpc, unframed } from './json-rpc.js'

const NOT_INITIALIZED = -32002
/** Of a message: a document comes in one. */
const MAX_LENGTH = 64 * 1024 * 1024
const WORD = /[\p{L}\p{N}_]+/gu
const utf8 = new TextDecoder()

/** The base protocol: a header with the length of the body, which is JSON. */
export function lsp(): Codec<unknown, RpcResponse> {
  const base = headers({ maxLength: MAX_LENGTH })
  return {
    name: 'lsp',
    *decode(ctx) {
      const message = yield* base.decode(ctx)
      return message && readJson(utf8.decode(message.body))
    },
    encode: (response) => base.encode({ body: JSON.stringify(response) }),
  }
}

interface Position {
  readonly line: number
  /** In UTF-16 code units, as in a string of JavaScript. */
  readonly character: number
}

/** A language server for plain text: it says how often a word is there, and completes words from those of the document. */
export class LspSession implements RpcSession {
  readonly #documents = new Map<unknown, string>()
  #state: 'new' | 'initialized' | 'shut down' = 'new'
  isOver = false

  /** As the specification says: 1 for a client that did not say `shutdown`. */
  get exitCode(): number {
    return this.#state === 'shut down' && this.isOver ? 0 : 1
  }

  call(method: string, params: Params): unknown {
    if (method === 'exit') this.isOver = true
    else if (this.#state === 'shut down') throw new RpcError(INVALID_REQUEST, 'The server is shut down')
    else if (this.#state === 'new') return this.#initialize(method)
    else return this.#serve(method, params)
    return null
  }

  #initialize(method: string): unknown {
    if (method !== 'initialize') throw new RpcError(NOT_INITIALIZED, 'The server is not initialized')
    this.#state = 'initialized'
    return {
      capabilities: { textDocumentSync: { openClose: true, change: 1 /* the whole text */ }, hoverProvider: true, completionProvider: {} },
      serverInfo: { name: 'words' },
    }
  }

  #serve(method: string, params: Params): unknown {
    switch (method) {
      case 'initialized':
        return null
      case 'textDocument/didOpen':
        return this.#setText(params, params['textDocument'])
      case 'textDocument/didChange':
        return this.#setText(params, lastOf(params['contentChanges']))
      case 'textDocument/didClose':
        return this.#documents.delete(uriIn(params))
      case 'textDocument/hover':
        return this.#hover(this.#textIn(params), positionIn(params))
      case 'textDocument/completion':
        return this.#complete(this.#textIn(params), positionIn(params))
      case 'shutdown':
        this.#state = 'shut down'
        return null
      default:
        throw new RpcError(METHOD_NOT_FOUND, `No such method: ${method}`)
    }
  }

  #hover(text: string, position: Position): unknown {
    const word = wordAt(text, position)
    if (word === null) return null
    const { line } = position
    const [start, end] = [word.index, word.index + word[0].length]
    const count = wordsOf(text).filter((one) => one === word[0]).length
    const range = { start: { line, character: start }, end: { line, character: end } }
    return { contents: { kind: 'plaintext', value: `${word[0]}: ${count} of ${wordsOf(text).length} words` }, range }
  }

  #complete(text: string, position: Position): unknown {
    const word = wordAt(text, position)
    const begun = word?.[0].slice(0, position.character - word.index) ?? ''
    const fitting = wordsOf(text).filter((one) => one.startsWith(begun) && one !== begun)
    return [...new Set(fitting)].toSorted().map((label) => ({ label, kind: 1 /* text */ }))
  }

  #setText(params: Params, change: unknown): void {
    const text = isObject(change) ? change['text'] : undefined
    if (typeof text !== 'string') throw new RpcError(INVALID_PARAMS, 'A text is missing')
    this.#documents.set(uriIn(params), text)
  }

  #textIn(params: Params): string {
    const text = this.#documents.get(uriIn(params))
    if (text === undefined) throw new RpcError(INVALID_PARAMS, 'The document is not open')
    return text
  }
}

function uriIn({ textDocument }: { textDocument?: unknown }): unknown {
  return isObject(textDocument) ? textDocument['uri'] : undefined
}

function lastOf(list: unknown): unknown {
  return Array.isArray(list) ? list.at(-1) : undefined
}

function positionIn({ position }: { position?: unknown }): Position {
  const { line, character } = isObject(position) ? position : {}
  if (!Number.isInteger(line) || !Number.isInteger(character)) throw new RpcError(INVALID_PARAMS, 'A position is missing')
  return { line: line as number, character: character as number }
}

function wordsOf(text: string): string[] {
  return text.match(WORD) ?? []
}

/** The word that the position is in, or at an end of. */
function wordAt(text: string, { line, character }: Position): RegExpExecArray | null {
  const words = text.split(/\r\n|\n|\r/)[line]?.matchAll(WORD) ?? []
  for (const word of words) if (word.index <= character && character <= word.index + word[0].length) return word
  return null
}

/** Resolves with the exit code, when the client has left. */
export async function serveLsp(transport: Transport): Promise<number> {
  const session = new LspSession()
  await serveRpc(framed(transport, lsp, { errorReply: unframed }), session)
  return session.exitCode
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await serveLsp(stdio()).catch((error: unknown) => {
    console.error(String(error))
    return 1
  })
}
