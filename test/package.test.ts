/**
 * What the package promises as a whole: its names, how it is loaded, what its parts may import, and that sources,
 * tests and documents go together. `asynchat` is what `npm run build` has made of the sources.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, posix } from 'node:path'
import * as asynchat from 'asynchat'
import * as framing from 'asynchat/framing'
import * as testing from 'asynchat/testing'
import t, { type Test } from 'tap'
import { runNode } from './support/run-node.js'

/** The public surface. A name more or less is a decision: write it here, in the reference and in the change log. */
const CORE_VALUES = ['FrameScanner', 'FramingError', 'EndOfInput', 'MessageScanner', 'NULL', 'expectBytes', 'parseLength', 'HEARTBEAT', 'JsonSeqFailure', 'RespAttributed', 'RespError', 'RespPiece', 'RespPush', 'RespStreamed', 'RespVerbatim', 'cobs', 'dotBlock', 'headers', 'httpChunked', 'jsonLines', 'jsonSeq', 'lengthField', 'lines', 'netstring', 'pktLine', 'resp', 'slip', 'stomp', 'syslog', 'telnetLines', 'varintLength']
const VALUES = {
  asynchat: [...CORE_VALUES, 'AsyncChat', 'ChatServer', 'Decoder', 'Encoder', 'Fifo', 'Framed', 'ProducerReadable', 'SimpleProducer', 'TerminatorSplitter', 'createChatServer', 'decoder', 'encoder', 'framed', 'stdio'].toSorted(),
  framing: CORE_VALUES.toSorted(),
  testing: ['VerificationError', 'everyCut', 'verifyDecoder'],
}
const FRAMING_TYPES = ['Boundary', 'Delimiter', 'Ending', 'Extent', 'FrameRule', 'FrameScannerOptions', 'FramingErrorCode', 'FramingErrorDetails', 'Overflow', 'Tail', 'Terminator', 'Codec', 'CodecSource', 'DecodeContext', 'Decoding', 'EncodedChunk', 'Encoding', 'FrameCodec', 'MessageScannerOptions', 'ParseLengthOptions', 'SteppedCodec', 'CobsOptions', 'DotBlockOptions', 'HeadersMessage', 'HeadersOptions', 'HeadersToSend', 'HttpChunk', 'HttpChunkedOptions', 'JsonLinesOptions', 'JsonSeqOptions', 'LengthFieldOptions', 'LineEnding', 'LinesOptions', 'NetstringOptions', 'Packet', 'PacketToSend', 'RespCodec', 'RespMessage', 'RespOptions', 'RespValue', 'SlipOptions', 'StompFrame', 'StompFrameToSend', 'StompOptions', 'SyslogOptions', 'TelnetCommand', 'TelnetLinesOptions', 'TelnetMessage', 'VarintLengthOptions']
const STREAM_TYPES = ['DecoderOptions', 'EncoderOptions', 'FramedOptions', 'FrameDetails', 'FrameIterator', 'FrameOf', 'FramePiece', 'TerminatorSplitterOptions']
const PRODUCER_TYPES = ['BlobLike', 'Chunk', 'Produced', 'Producer', 'ProducerReadableOptions', 'Source', 'WebReadable']
const CHAT_TYPES = ['AsyncChatClass', 'AsyncChatOptions', 'BroadcastOptions', 'ChannelDefaults', 'ChatFactory', 'ChatHooks', 'ChatServerEvents', 'ChatServerOptions', 'ChatSettings', 'CloseInfo', 'ConnectOptions', 'Detached', 'DialOptions', 'EndInfo', 'HookResult', 'PushCallback', 'ReadMessageOptions', 'ReadOptions', 'SlowMember', 'SpawnOptions', 'StartOptions', 'StdioOptions', 'TimeoutKind', 'Transport', 'UpgradeOptions', 'Wrap']
const TESTING_TYPES = ['Check', 'Decoder', 'DecoderSource', 'LongSample', 'Malformed', 'Merge', 'Verified', 'VerifyOptions']
const TYPES = { asynchat: [...FRAMING_TYPES, ...STREAM_TYPES, ...PRODUCER_TYPES, ...CHAT_TYPES].toSorted(), framing: FRAMING_TYPES.toSorted(), testing: TESTING_TYPES }

/** Compiles only while all of these are exported. */
export type FramingTypes = [framing.Boundary, framing.Delimiter, framing.Ending, framing.FrameRule, framing.FrameScannerOptions, framing.FramingErrorCode, framing.FramingErrorDetails, framing.Overflow, framing.Tail, framing.Terminator, framing.Codec<string>, framing.CodecSource<string>, framing.DecodeContext<string>, framing.Decoding<string>, framing.EncodedChunk, framing.Encoding<string>, framing.FrameCodec<string>, framing.MessageScannerOptions, framing.ParseLengthOptions, framing.SteppedCodec<string>, framing.CobsOptions, framing.DotBlockOptions, framing.HeadersMessage, framing.HeadersOptions, framing.HeadersToSend, framing.HttpChunk, framing.HttpChunkedOptions, framing.JsonLinesOptions, framing.JsonSeqOptions, framing.LengthFieldOptions, framing.LineEnding, framing.LinesOptions, framing.NetstringOptions, framing.Packet, framing.PacketToSend, framing.RespMessage, framing.RespOptions, framing.RespValue, framing.SlipOptions, framing.StompFrame, framing.StompFrameToSend, framing.StompOptions, framing.SyslogOptions, framing.TelnetCommand, framing.TelnetLinesOptions, framing.TelnetMessage, framing.VarintLengthOptions]
export type StreamTypes = [asynchat.Boundary, asynchat.Delimiter, asynchat.Ending, asynchat.FrameRule, asynchat.FrameScannerOptions, asynchat.FramingErrorCode, asynchat.FramingErrorDetails, asynchat.Overflow, asynchat.Tail, asynchat.Terminator, asynchat.FrameDetails, asynchat.FrameIterator<string>, asynchat.FrameOf<{}>, asynchat.FramePiece, asynchat.TerminatorSplitterOptions, asynchat.BlobLike, asynchat.Chunk, asynchat.Produced, asynchat.Producer, asynchat.ProducerReadableOptions, asynchat.Source, asynchat.WebReadable]
export type ChatTypes = [asynchat.AsyncChatClass, asynchat.AsyncChatOptions, asynchat.BroadcastOptions, asynchat.ChannelDefaults, asynchat.ChatFactory, asynchat.ChatHooks, asynchat.ChatServerEvents<asynchat.AsyncChat>, asynchat.ChatServerOptions, asynchat.ChatSettings, asynchat.CloseInfo, asynchat.ConnectOptions, asynchat.Detached, asynchat.DialOptions, asynchat.EndInfo, asynchat.HookResult, asynchat.PushCallback, asynchat.ReadMessageOptions, asynchat.DecoderOptions, asynchat.EncoderOptions, asynchat.FramedOptions<string>, asynchat.ReadOptions, asynchat.SlowMember, asynchat.SpawnOptions, asynchat.StartOptions, asynchat.StdioOptions, asynchat.TimeoutKind, asynchat.Transport, asynchat.UpgradeOptions, asynchat.Wrap]
export type TestingTypes = [testing.Check, testing.Decoder<string>, testing.DecoderSource<string>, testing.LongSample<string>, testing.Malformed<string>, testing.Merge<string>, testing.Verified, testing.VerifyOptions<string>]

const read = (file: string): string => readFileSync(file, 'utf8')
const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => posix.join(folder, file.replaceAll('\\', '/'))).filter((file) => file.endsWith(ending)).toSorted()

/** Without comments: the examples in them import the package. */
const code = (file: string): string => read(file).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/ .*$/gm, '')
const specifiersIn = (file: string): string[] =>
  Array.from(code(file).matchAll(/(?:(?<!['"])\bfrom|\bimport|\brequire\(|\bimport\(|<reference \w+=)\s*['"]([^'"]+)['"]/g), ([, specifier]) => specifier as string)

t.test('package: exports exactly these values', async (t) => {
  t.same(Object.keys(asynchat).toSorted(), VALUES.asynchat, 'asynchat')
  t.same(Object.keys(framing).toSorted(), VALUES.framing, 'asynchat/framing')
  t.same(Object.keys(testing).toSorted(), VALUES.testing, 'asynchat/testing')
  t.equal(asynchat.FrameScanner, framing.FrameScanner, 'one class, whichever way it came')
})

t.test('package: exports exactly these types', async (t) => {
  for (const [name, file] of [['asynchat', 'dist/index.d.ts'], ['framing', 'dist/framing/index.d.ts'], ['testing', 'dist/testing/index.d.ts']] as const) {
    const exported = Array.from(code(file).matchAll(/export (type )?\{([^}]*)\}/g), ([, isType, names = '']) =>
      names.split(',').map((one) => one.trim()).filter(Boolean).map((one) => (isType ? `type ${one}` : one))).flat()
    t.same(exported.filter((one) => one.startsWith('type ')).map((one) => one.slice(5)).toSorted(), TYPES[name], name)
    t.equal(exported.length, TYPES[name].length + VALUES[name].length, `${name}: nothing else, and nothing twice`)
    t.notMatch(code(file), /export (\*|default|const|class|function|declare)/, `${name}: names every one`)
  }
})

t.test('package: has a built file behind every entry point', async (t) => {
  const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, string | Record<string, string>> }
  t.same(Object.keys(exports), ['.', './framing', './testing', './package.json'])
  for (const target of Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)))) {
    t.ok(existsSync(target), target)
  }
})

t.test('package: gives require() the classes that import gives', async (t) => {
  const required = createRequire(import.meta.url)('asynchat') as typeof asynchat
  t.equal(required.TerminatorSplitter, asynchat.TerminatorSplitter)
})

t.test('package: is required without a warning', async (t) => {
  const { stdout, stderr } = await runNode('-e', 'console.log(Object.keys(require("asynchat")).length)')
  t.same([stdout, stderr], [`${VALUES.asynchat.length}\n`, ''])
})

t.test('package: needs nothing but itself for asynchat/framing, and nothing but that for asynchat/testing', async (t) => {
  const core = [...filesIn('dist/framing', '.js'), ...filesIn('dist/codecs', '.js'), 'dist/errors.js']
  needsOnly(t, core)
  needsOnly(t, [...filesIn('dist/testing', '.js'), ...core])
})

function needsOnly(t: Test, files: readonly string[]): void {
  for (const file of files) {
    const imported = specifiersIn(file).map((specifier) => (specifier.startsWith('.') ? posix.join(dirname(file), specifier) : specifier))
    t.same(imported.filter((one) => !files.includes(one)), [], file)
  }
}

/** Loads asynchat/framing where there is nothing but the language and what is given. */
const runAlone = (given: string): string => `
  const { readFileSync } = require('node:fs')
  const { join, dirname } = require('node:path').posix
  const vm = require('node:vm')
  const context = vm.createContext({ ${given}, frames: [] })
  const modules = new Map()
  const load = (file) => {
    if (!modules.has(file)) modules.set(file, new vm.SourceTextModule(readFileSync(file, 'utf8'), { identifier: file, context }))
    return modules.get(file)
  }
  const main = new vm.SourceTextModule(\`
    import { FrameScanner } from './dist/framing/index.js'
    const scanner = new FrameScanner({ terminator: ['--', Uint8Array.of(0)] })
    scanner.write(Uint8Array.of(97, 98, 45))
    scanner.write(Uint8Array.of(45, 0, 99, 100))
    frames.push(scanner.read(), scanner.read())
    scanner.setTerminator(1)
    frames.push(scanner.read())
    scanner.setTerminator('€')
    scanner.end()
    frames.push(scanner.read(), typeof process, typeof Buffer)
  \`, { identifier: 'main.js', context })
  main.link((specifier, { identifier }) => load(join(dirname(identifier), specifier)))
    .then(() => main.evaluate())
    .then(() => console.log(context.frames.join(' ')))
`

t.test('package: runs asynchat/framing where there is no Node', async (t) => {
  for (const given of ['TextEncoder, TextDecoder, Uint8Array', 'TextEncoder, TextDecoder']) {
    const { stdout, stderr } = await runNode('--experimental-vm-modules', '--no-warnings', '-e', runAlone(given))
    t.equal(stdout, '97,98  99 100 undefined undefined\n', `with ${given}: ${stderr}`)
  }
})

t.test('package: ships declarations that mention only Node, and those of asynchat/framing and asynchat/testing not even that', async (t) => {
  for (const file of filesIn('dist', '.d.ts')) {
    const isPure = file.startsWith('dist/framing/') || file.startsWith('dist/testing/') || file === 'dist/errors.d.ts'
    t.same(specifiersIn(file).filter((one) => !one.startsWith('.') && (isPure || !one.startsWith('node:'))), [], file)
    if (isPure) t.notMatch(code(file), /\b(Buffer|NodeJS)\b/, `${file}: frames are Uint8Arrays`)
  }
})

t.test('package: has a test file for every source file', async (t) => {
  const sources = filesIn('src', '.ts').filter((file) => !file.endsWith('/index.ts'))
  const wanted = sources.map((file) => file.replace(/^src\/(.*)\.ts$/, 'test/$1.test.ts'))
  t.ok(wanted.length > 0)
  t.same(wanted.filter((file) => !existsSync(file)), [])
})

const NODE_CODES = ['ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE', 'ERR_INVALID_STATE']

t.test('package: explains every error code in docs/reference/errors.md, and no other', async (t) => {
  const union = /export type FramingErrorCode =((?:\s*\|\s*'\w+')+)/.exec(read('src/errors.ts'))?.[1] ?? ''
  const codes = Array.from(union.matchAll(/'(\w+)'/g), ([, one]) => one as string)
  t.ok(codes.includes('ERR_FRAME_TOO_LONG'), 'the union was found')
  const headings = Array.from(read('docs/reference/errors.md').matchAll(/^(#+) .*?(ERR_\w+)/gm), ([, level, one]) => `${level} ${one}`)
  t.same(headings.toSorted(), [...codes, ...NODE_CODES].map((one) => `## ${one}`).toSorted())
})

t.test('package: has a README of one read, with the two commands that do everything', async (t) => {
  const lines = read('README.md').trimEnd().split('\n')
  t.ok(lines.length <= 150, `${lines.length} lines`)
  for (const command of ['npm ci && npm run demo', 'npm ci && npm test']) {
    t.ok(lines.some((line) => line.includes(command)), command)
  }
})
