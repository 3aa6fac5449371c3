import { readFileSync, readdirSync } from 'node:fs'
import stream from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import * as readableStream from 'readable-stream'
import { TerminatorSplitter } from '../../src/index.js'
import * as base from '../../src/streams/base.js'

const isNative = process.env['READABLE_STREAM'] === 'disable'

/** Upper case, in the classes that the package extends. */
class Shout extends base.Transform {
  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: stream.TransformCallback): void {
    done(null, chunk.toString().toUpperCase())
  }
}

t.test('base: is readable-stream, or the platform when READABLE_STREAM=disable says so', async (t) => {
  t.equal(base.Transform, readableStream.Transform)
  t.equal(base.Readable, readableStream.Readable)
  t.equal(base.Duplex, readableStream.Duplex)
  t.equal(Object.is(base.Duplex, stream.Duplex), isNative)
  t.equal(Object.is(base.Transform, stream.Transform), isNative)
  t.equal(Object.is(base.Readable, stream.Readable), isNative)
})

t.test('base: is the only importer of readable-stream', async (t) => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const importers = files.filter((name) => /from '(readable-stream|node:stream)'/.test(imports(readFileSync(`src/${name}`, 'utf8'))))
  t.same(importers.map((name) => name.replaceAll('\\', '/')), ['streams/base.ts'])
})

/** Imports of values: those of types are gone when the package runs. */
function imports(source: string): string {
  return source.split('\n').filter((line) => /^(import|export) (?!type)/.test(line) || line.startsWith('} from')).join('\n')
}

t.test('base: has no statics, for readable-stream\'s own do not work', async (t) => {
  // @ts-expect-error: the types leave them out
  t.type(base.Transform.toWeb, 'function', 'they are there, but do not compile')
})

t.test('base: makes streams that the platform takes for its own', async (t) => {
  const shout = new Shout()
  await pipeline(stream.Readable.from(['a', 'b']), shout, async (source) => t.equal(await text(source), 'AB'))
  const web = stream.Readable.toWeb(stream.Readable.from([Buffer.from('c')]).pipe(new Shout()))
  t.equal(await text(web as never), 'C', 'the platform\'s toWeb works with them')
})

t.test('base: makes streams that are used by the platform\'s other names for the same things', async (t) => {
  const splitter = new TerminatorSplitter('\n', { encoding: 'utf8' })
  const frames = new Promise((resolve) => splitter.addListener('data', resolve))
  splitter.write('a\n')
  t.equal(await frames, 'a', 'addListener() is on()')
  const iterated = new TerminatorSplitter('\n')
  const iterator = iterated[Symbol.asyncIterator]()
  iterated.write('a\n')
  t.same(await iterator.next(), { done: false, value: Buffer.from('a') })
  await iterator[Symbol.asyncDispose]()
  t.ok(iterated.destroyed, 'Symbol.asyncDispose is return()')
})

t.test('base: has the helpers that belong to its classes', async (t) => {
  const shout = new Shout()
  const controller = new AbortController()
  base.addAbortSignal(controller.signal, shout)
  const error = new Promise((resolve) => base.finished(shout, resolve))
  controller.abort()
  t.match(await error, { name: 'AbortError', code: 'ABORT_ERR' })
  t.ok(shout.destroyed)
})
