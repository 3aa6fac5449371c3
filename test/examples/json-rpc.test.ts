import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { MessageScanner } from 'asynchat'
import t from 'tap'
import { lsp, serveLsp } from '../../docs/examples/lsp-server.js'
import { serveMcp } from '../../docs/examples/mcp-server.js'
import { byteByByte, cutAt } from '../support/cuts.js'
import { type Run, outcomeOf } from '../support/run-node.js'
import { Wire } from '../support/wire.js'

const asLsp = (message: unknown): string => {
  const body = typeof message === 'string' ? message : JSON.stringify(message)
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
const asLine = (message: unknown): string => `${typeof message === 'string' ? message : JSON.stringify(message)}\n`

const call = (id: number | string, method: string, params?: object): object => ({ jsonrpc: '2.0', id, method, params })
const notice = (method: string, params?: object): object => ({ jsonrpc: '2.0', method, params })
const result = (id: number | string, value: unknown): object => ({ jsonrpc: '2.0', id, result: value })
const failure = (id: number | string | null, code: number): object => ({ jsonrpc: '2.0', id, error: { code } })

const textDocument = { uri: 'file:///a.txt' }
const at = (line: number, character: number): object => ({ textDocument, position: { line, character } })
const hover = (line: number, start: number, end: number, value: string): object => ({ contents: { kind: 'plaintext', value }, range: { start: { line, character: start }, end: { line, character: end } } })
const complete = (...labels: string[]): object[] => labels.map((label) => ({ label, kind: 1 }))

interface Step {
  readonly says: unknown
  /** Its answer; none: null. */
  readonly gets: object | null
}
const step = (says: unknown, gets: object | null = null): Step => ({ says, gets })

const LSP_STEPS: readonly Step[] = [
  step(call(0, 'textDocument/hover', at(0, 0)), failure(0, -32002)),
  step(notice('textDocument/didOpen', { textDocument: { ...textDocument, text: 'too early' } })),
  step(call(1, 'initialize', { capabilities: {} }), result(1, { capabilities: { textDocumentSync: { openClose: true, change: 1 }, hoverProvider: true, completionProvider: {} }, serverInfo: { name: 'words' } })),
  step(notice('initialized', {})),
  step(call(2, 'textDocument/hover', at(0, 0)), failure(2, -32602)),
  step(notice('textDocument/didOpen', { textDocument: { ...textDocument, languageId: 'text', version: 1, text: 'Grüße 😀 foo\r\nfoobar foo_1\nfo' } })),
  step(call('a', 'textDocument/hover', at(0, 10)), result('a', hover(0, 9, 12, 'foo: 1 of 5 words'))),
  step(call(3, 'textDocument/hover', at(0, 7)), result(3, null)),
  step(call(4, 'textDocument/hover', at(9, 0)), result(4, null)),
  step(call(5, 'textDocument/completion', at(2, 2)), result(5, complete('foo', 'foo_1', 'foobar'))),
  step(notice('textDocument/didChange', { textDocument, contentChanges: [{ text: 'x' }, { text: 'b a b' }] })),
  step(call(6, 'textDocument/completion', at(0, 4)), result(6, complete('a', 'b'))),
  step(call(7, 'textDocument/hover', at(0, 0)), result(7, hover(0, 0, 1, 'b: 2 of 3 words'))),
  step(call(8, 'textDocument/hover', { textDocument }), failure(8, -32602)),
  step(call(9, 'textDocument/rename', {}), failure(9, -32601)),
  step(notice('$/setTrace', { value: 'off' })),
  step('{"jsonrpc":', failure(null, -32700)),
  step('null', failure(null, -32600)),
  step([], failure(null, -32600)),
  step(call(10, 'toString', {}), failure(10, -32601)),
  step({ jsonrpc: '2.0', id: 11, method: 'initialized', params: [1] }, failure(11, -32602)),
  step({ jsonrpc: '2.0', id: 12, result: 'an answer' }),
  step({ id: 13, method: 'shutdown' }, failure(null, -32600)),
  step(notice('textDocument/didClose', { textDocument })),
  step(call(14, 'textDocument/hover', at(0, 0)), failure(14, -32602)),
  step({ jsonrpc: '2.0', id: 18, method: 'textDocument/didChange', params: { textDocument, contentChanges: 5 } }, failure(18, -32602)),
  step({ jsonrpc: '2.0', id: 15, method: 'shutdown', params: null }, result(15, null)),
  step(call(16, 'textDocument/hover', at(0, 0)), failure(16, -32600)),
  step(notice('exit', [])),
  step(call(17, 'initialize', {})),
]
const LSP_BYTES = Buffer.from(LSP_STEPS.map(({ says }) => asLsp(says)).join(''))

const TOOLS = [
  { name: 'sum', description: 'Adds numbers up', inputSchema: { type: 'object', properties: { numbers: { type: 'array', items: { type: 'number' } } }, required: ['numbers'] } },
  { name: 'sha256', description: 'The SHA-256 of a text, in hexadecimal digits', inputSchema: { type: 'object', properties: { text: { type: 'string', description: 'It is hashed as UTF-8' } }, required: ['text'] } },
]
const said = (value: string): object => ({ content: [{ type: 'text', text: value }] })
const initialized = (protocolVersion: string): object => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'sums', version: '1.0.0' } })
const MCP_STEPS: readonly Step[] = [
  step(call(0, 'initialize', { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'a', version: '1' } }), result(0, initialized('2024-11-05'))),
  step(call(1, 'initialize', { protocolVersion: '1999-01-01' }), result(1, initialized('2025-06-18'))),
  step(notice('notifications/initialized')),
  step(call(2, 'ping'), result(2, {})),
  step(call(3, 'tools/list', {}), result(3, { tools: TOOLS })),
  step(call(4, 'tools/call', { name: 'sum', arguments: { numbers: [1, 2.5, -1] } }), result(4, said('2.5'))),
  step(call(5, 'tools/call', { name: 'sha256', arguments: { text: 'Grüße' } }), result(5, said('f83e039796c6453a10f5519e39fd113901572316a1a8ea07cb525d2801dfd074'))),
  step(call(6, 'tools/call', { name: 'sum', arguments: { numbers: '1' } }), result(6, { ...said('TypeError: numbers must be an array of numbers'), isError: true })),
  step(call(7, 'tools/call', { name: 'toString' }), failure(7, -32602)),
  step(call(8, 'tools/call', { name: 'sum', arguments: [1] }), failure(8, -32602)),
  step(call(9, 'resources/list'), failure(9, -32601)),
  step('{"jsonrpc": "2.0", "id": 10', failure(null, -32700)),
  step('', failure(null, -32700)),
  step('null', failure(null, -32600)),
  step(Buffer.from([0x22, 0xff, 0x22]), failure(null, -32700)),
  step(call('last', 'ping'), result('last', {})),
]
const MCP_BYTES = Buffer.concat(MCP_STEPS.map(({ says }) => (Buffer.isBuffer(says) ? Buffer.concat([says, Buffer.from('\n')]) : Buffer.from(asLine(says)))))

/** What a server writes for these chunks, and what its promise gives. */
async function answersTo<T>(serve: (wire: Wire) => Promise<T>, chunks: readonly Uint8Array[]): Promise<[written: Buffer, outcome: T]> {
  const wire = new Wire()
  const outcome = serve(wire)
  await wire.send(chunks)
  wire.sendEnd()
  const settled = await outcome
  return [wire.written, settled]
}

function lspMessages(bytes: Uint8Array): unknown[] {
  const scanner = new MessageScanner(lsp)
  scanner.write(bytes)
  scanner.end()
  const messages: unknown[] = []
  for (let message; (message = scanner.read()) !== null; ) messages.push(message)
  return messages.map(withoutText)
}

const lineMessages = (bytes: Uint8Array): unknown[] => String(bytes).trimEnd().split('\n').map((line) => withoutText(JSON.parse(line)))

/** The text of an error is for people. */
function withoutText(message: any): unknown {
  const { error, ...others } = message as { error?: { code: number } }
  return error === undefined ? others : { ...others, error: { code: error.code } }
}

const answersIn = (steps: readonly Step[]): unknown[] => steps.flatMap(({ gets }) => gets ?? [])

async function run(name: string, input: Uint8Array): Promise<Run> {
  const child = spawn(process.execPath, [`build/docs/examples/${name}.js`])
  child.stdin.on('error', () => {}).end(input)
  return outcomeOf(child)
}

/** Where a cut makes a difference; -1: a cut at every byte does. */
async function wrongCuts(bytes: Uint8Array, isRight: (chunks: readonly Uint8Array[]) => Promise<boolean>): Promise<number[]> {
  const wrong: number[] = []
  for (let position = 1; position < bytes.length; position++) if (!(await isRight(cutAt(bytes, [position])))) wrong.push(position)
  if (!(await isRight(byteByByte(bytes)))) wrong.push(-1)
  return wrong
}

t.test('serveLsp: answers right at every cut of a session', async (t) => {
  const [written, exitCode] = await answersTo(serveLsp, [LSP_BYTES])
  t.same(lspMessages(written), answersIn(LSP_STEPS))
  t.equal(exitCode, 0)
  t.ok((await answersTo(serveLsp, byteByByte(LSP_BYTES)))[0].equals(written), 'byte by byte')
  const bytes = Buffer.from([2, 5, 6, 9, 16, 26, 28].map((index) => asLsp(LSP_STEPS[index]?.says)).join(''))
  const [wanted] = await answersTo(serveLsp, [bytes])
  t.equal(lspMessages(wanted).length, 5)
  const isRight = async (chunks: readonly Uint8Array[]): Promise<boolean> => (await answersTo(serveLsp, chunks))[0].equals(wanted)
  t.same(await wrongCuts(bytes, isRight), [])
})

t.test('serveMcp: answers right at every cut of a session', async (t) => {
  const [written] = await answersTo(serveMcp, [MCP_BYTES])
  t.same(lineMessages(written), answersIn(MCP_STEPS))
  const isRight = async (chunks: readonly Uint8Array[]): Promise<boolean> => (await answersTo(serveMcp, chunks))[0].equals(written)
  t.same(await wrongCuts(MCP_BYTES, isRight), [])
})

t.test('serveLsp: says so, and ends, where the peer breaks the framing', async (t) => {
  const good = asLsp(call(1, 'initialize', {}))
  for (const bad of ['Content-Length: 0x2\r\n\r\n{}', 'Content-Length: 02\r\n\r\n{}', 'Content-Length: 2\n\n{}\r\n', 'Content-Type: x\r\n\r\n{}', '{}\r\n\r\n', 'Content-Length: 9000000000\r\n\r\n', good.slice(0, -1)]) {
    const wire = new Wire()
    const outcome = serveLsp(wire).catch((error: unknown) => error)
    await wire.send([Buffer.from(good + bad)])
    wire.sendEnd()
    t.match(await outcome, { codec: 'lsp', messagesBefore: 1 }, JSON.stringify(bad))
    t.same(lspMessages(wire.written).slice(1), [failure(null, -32700)])
  }
})

t.test('lsp-server: runs as a program, with the exit code that the client has asked for', async (t) => {
  const bye = [asLsp(call(1, 'initialize', {})), asLsp(call(2, 'shutdown')), asLsp(notice('exit'))]
  const whole = await run('lsp-server', LSP_BYTES)
  t.same([whole.code, lspMessages(Buffer.from(whole.stdout)), whole.stderr], [0, answersIn(LSP_STEPS), ''])
  for (const [why, says, code, count] of [['exit', bye, 0, 2], ['no shutdown', [bye[0], bye[2]], 1, 1], ['no exit', bye.slice(0, 2), 1, 2], ['nothing', [], 1, 0]] as const) {
    const { stdout, ...ended } = await run('lsp-server', Buffer.from(says.join('')))
    t.same({ ...ended, count: lspMessages(Buffer.from(stdout)).length }, { code, stderr: '', count }, why)
  }
  t.match(await run('lsp-server', Buffer.from('nonsense\r\n\r\n')), { code: 1, stdout: /-32700/, stderr: /^FramingError: Expected a header field/ })
})

t.test('lsp-server: ends at exit, though stdin stays open', async (t) => {
  const child = spawn(process.execPath, ['build/docs/examples/lsp-server.js'])
  t.teardown(() => child.kill())
  child.stdin.write([call(1, 'initialize', {}), call(2, 'shutdown'), notice('exit')].map(asLsp).join(''))
  t.match(await outcomeOf(child), { code: 0, stderr: '' })
})

t.test('mcp-server: runs as a program', async (t) => {
  const { code, stdout, stderr } = await run('mcp-server', MCP_BYTES)
  t.same([code, lineMessages(Buffer.from(stdout)), stderr], [0, answersIn(MCP_STEPS), ''])
  const many = Array.from({ length: 10_000 }, (_, id) => call(id, 'tools/list'))
  const answers = await run('mcp-server', Buffer.from(many.map(asLine).join('')))
  t.equal(answers.stdout, many.map((_, id) => asLine(result(id, { tools: TOOLS }))).join(''), 'ten thousand at once')
})

t.test('mcp-server: ends where nobody takes its answers', async (t) => {
  const child = spawn(process.execPath, ['build/docs/examples/mcp-server.js'])
  t.teardown(() => child.kill())
  child.stdout.destroy()
  child.stdin.on('error', () => {}).write(asLine(call(1, 'ping')).repeat(1000))
  const [code] = await once(child, 'exit')
  t.equal(code, 1)
})
