import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { AsyncChat } from 'asynchat'
import { GitCatFile, type GitObject, type UseContent } from '../../docs/examples/git-cat-file.js'

// In a hook of git these name another repository.
for (const name of Object.keys(process.env)) if (name.startsWith('GIT_')) delete process.env[name]

const MAX_OUTPUT = 64 * 1024 * 1024

function git(folder: string, args: readonly string[], input: string | Buffer = ''): Buffer {
  return execFileSync('git', args, { cwd: folder, input, maxBuffer: MAX_OUTPUT, stdio: ['pipe', 'pipe', 'ignore'] })
}

/** Why nothing can be asked of git in this folder; false: it can. */
function whyNot(folder: string, ...args: string[]): string | false {
  try {
    git(folder, args)
    return false
  } catch {
    return `"git ${args.join(' ')}" fails in ${resolve(folder)}`
  }
}

const skip = whyNot('.', '--version')
const skipThis = skip || whyNot('.', 'rev-parse', '--verify', 'HEAD')

const binary = Buffer.from(Array.from({ length: 5 * 1024 * 1024 }, (_, index) => (index * 7919) >> 5))
const blobs: readonly [name: string, content: string | Buffer][] = [
  ['an empty one', ''],
  ['a line feed', '\n'],
  ['no line feed at its end', 'hello'],
  ['a header and a body', `${'0'.repeat(40)} blob 5\nhello\n`],
  ['an answer for none', 'HEAD missing\n'],
  ['5 MiB of binary', binary],
  ['one byte', '\0'],
  ['64 KiB, a pipe full', binary.subarray(0, 65_536)],
  ['one byte more', binary.subarray(0, 65_537)],
]

interface Repository {
  readonly folder: string
  /** The ids of the blobs, in their order. */
  readonly ids: readonly string[]
}

async function makeRepository(t: Test): Promise<Repository> {
  const folder = await mkdtemp(join(tmpdir(), 'asynchat-'))
  t.teardown(() => rm(folder, { recursive: true, maxRetries: 5 }))
  git(folder, ['init', '--quiet'])
  const ids = blobs.map(([, content]) => String(git(folder, ['hash-object', '-w', '--stdin'], content)).trim())
  await writeFile(join(folder, 'a file'), 'in a tree\n')
  git(folder, ['add', '.'])
  git(folder, ['-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '--quiet', '--no-gpg-sign', '--message', 'A commit'])
  git(folder, ['-c', 'user.name=a', '-c', 'user.email=a@b.c', 'tag', '--no-sign', '--message', 'A tag', 'v1'])
  return { folder, ids }
}

function open(t: Test, folder: string): GitCatFile {
  const catFile = new GitCatFile(folder)
  t.teardown(() => catFile.close())
  return catFile
}

/** What git says of all objects, without their content. */
function objectsOf(folder: string): GitObject[] {
  const lines = String(git(folder, ['cat-file', '--batch-all-objects', '--batch-check'])).trim().split('\n')
  return lines.map((line) => {
    const [id = '', type, size] = line.split(' ')
    return { id, type: type as GitObject['type'], size: Number(size) }
  })
}

/** Git's own name of an object is the hash of what it is. */
function hashOf({ id, type, size }: GitObject, content: readonly Uint8Array[]): string {
  const hash = createHash(id.length === 64 ? 'sha256' : 'sha1').update(`${type} ${size}\0`)
  for (const piece of content) hash.update(piece)
  return hash.digest('hex')
}

/** The ids of those that come out wrong. */
async function wrongOnes(catFile: GitCatFile, objects: readonly GitObject[]): Promise<string[]> {
  const answers = await Promise.all(objects.map(({ id }) => catFile.read(id)))
  return objects.filter((object, index) => {
    const { content, ...read } = answers[index] ?? { content: Buffer.alloc(0) }
    return JSON.stringify(read) !== JSON.stringify(object) || content.length !== object.size || hashOf(object, [content]) !== object.id
  }).map(({ id }) => id)
}

t.test('GitCatFile: reads every object of a repository with objects of tricky sizes', { skip }, async (t) => {
  const { folder, ids } = await makeRepository(t)
  const catFile = open(t, folder)
  const objects = objectsOf(folder)
  t.same(new Set(objects.map(({ type }) => type)), new Set(['blob', 'commit', 'tag', 'tree']))
  t.same(await wrongOnes(catFile, objects), [], 'all at once')
  for (const [index, [name, content]] of blobs.entries()) {
    const id = ids[index] as string
    const object = await catFile.read(id)
    t.same({ ...object, content: object?.content.equals(Buffer.from(content)) }, { id, type: 'blob', size: content.length, content: true }, name)
    t.ok(object?.content.equals(git(folder, ['cat-file', 'blob', id])), `${name}, as git gives it`)
  }
})

t.test('GitCatFile: reads every object of this repository', { skip: skipThis }, async (t) => {
  const objects = objectsOf('.')
  t.same(await wrongOnes(open(t, '.'), objects), [])
  t.comment(`${objects.length} objects`)
})

t.test('GitCatFile: gives null for what is missing, wherever it is asked for', { skip }, async (t) => {
  const { folder, ids } = await makeRepository(t)
  const catFile = open(t, folder)
  const missing = ['nope', 'f'.repeat(40), `${ids[0]} blob 5`, 'a name with blanks', 'HEAD:nope', 'HEAD missing', 'né', ' ']
  const names = [...missing, 'HEAD', ...missing, 'HEAD:a file', ...missing, 'v1', 'HEAD^{tree}', ...missing]
  const answers = await Promise.all(names.map((name) => catFile.read(name)))
  const types = answers.map((object) => object?.type ?? null)
  const nulls = missing.map(() => null)
  t.same(types, [...nulls, 'commit', ...nulls, 'blob', ...nulls, 'tag', 'tree', ...nulls])
  t.equal(String((await catFile.read('HEAD:a file'))?.content), 'in a tree\n')
})

t.test('GitCatFile: answers any number of calls at once', { skip }, async (t) => {
  const { folder } = await makeRepository(t)
  const catFile = open(t, folder)
  // Names and answers are each more than what pipes and buffers hold.
  const names = Array.from({ length: 400 }, (_, index) => `${index}-${'x'.repeat(4000)}`)
  const answers = await Promise.all([...names.map((name) => catFile.read(name)), catFile.read('HEAD')])
  t.same(answers.map((object) => object?.type ?? null), [...names.map(() => null), 'commit'])
})

t.test('AsyncChat.spawn: hears a process out that has read nothing of more than maxQueuedBytes', async (t) => {
  const chat = AsyncChat.spawn(process.execPath, ['-e', 'console.log("last words")'], { maxQueuedBytes: 1000, acOutBufferSize: 100_000 })
  let callbackError: unknown
  chat.push(Buffer.alloc(1_000_000), (error) => (callbackError = error))
  t.equal(String(await chat.readFrame('\n')), 'last words')
  t.equal(await chat.readFrame('\n'), null)
  chat.closeWhenDone()
  t.same(await chat.whenClosed, { incomplete: 0, unsent: 1 })
  t.match(callbackError, { code: 'ERR_CHANNEL_CLOSED' })
})

t.test('GitCatFile: refuses what is no name, and reads on', { skip }, async (t) => {
  const { folder } = await makeRepository(t)
  const catFile = open(t, folder)
  for (const name of ['', '\n', 'HEAD\nHEAD', 'HEAD\n']) await t.rejects(catFile.read(name), TypeError, JSON.stringify(name))
  t.equal((await catFile.read('HEAD'))?.type, 'commit')
})

const leave: UseContent = async (content) => {
  for await (const _ of content) return
}
const fail: UseContent = async (content, object) => {
  await leave(content, object)
  throw new Error('no more of it')
}
const ignore: UseContent = async () => {}

t.test('GitCatFile: streams a large blob in pieces, as they are asked for', { skip }, async (t) => {
  const { folder, ids } = await makeRepository(t)
  const catFile = open(t, folder)
  const [large, small] = [ids[5] as string, ids[2] as string]
  const pieces: Buffer[] = []
  const object = await catFile.stream(large, async (content, { size }) => {
    t.equal(size, binary.length, 'its size is known first')
    for await (const piece of content) {
      pieces.push(Buffer.from(piece))
      if (pieces.length % 10 === 0) await turn()
    }
  })
  t.ok(object !== null && hashOf(object, pieces) === large, 'nothing is missing')
  t.ok(pieces.length > 10, `${pieces.length} pieces`)
  t.ok(Math.max(...pieces.map((piece) => piece.length)) <= 65_536, 'none is larger than a pipe')
  // Whatever a caller does with its object, the next one has its own.
  const answers = await Promise.allSettled([
    catFile.stream(large, leave), catFile.read(small), catFile.stream(large, ignore), catFile.read(small), catFile.stream(large, fail), catFile.read(small),
    catFile.read(large, { maxSize: binary.length - 1 }), catFile.read(small), catFile.read(large, { maxSize: binary.length }), catFile.read(small),
  ])
  const told = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value?.id : (answer.reason as Error).message))
  t.same(told, [large, small, large, small, 'no more of it', small, `Cannot read ${large}: it has ${binary.length} bytes, the limit is ${binary.length - 1}`, small, large, small])
})

t.test('GitCatFile: rejects all calls where git does not run, and warns of nothing else', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'asynchat-'))
  t.teardown(() => rm(folder, { recursive: true, maxRetries: 5 }))
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.removeListener('warning', onWarning))
  for (const [why, where, error] of [['no repository', folder, 'Error: git has ended'], ['no folder', join(folder, 'nope'), 'ENOENT']] as const) {
    const catFile = new GitCatFile(where)
    const answers = await Promise.allSettled([catFile.read('HEAD'), catFile.read('HEAD')])
    const told = answers.map((answer) => (answer.status === 'rejected' ? String((answer.reason as { code?: string }).code ?? answer.reason) : 'read'))
    t.same(told, [error, error], why)
    // Who was told of an error by a read is not warned of it.
    for (let count = 0; count < 100; count++) await turn()
    await catFile.close()
    await t.rejects(catFile.read('HEAD'), 'after the end too')
  }
  await turn()
  t.same(warnings, [])
})

t.test('GitCatFile: runs as a program', { skip }, async (t) => {
  const { folder } = await makeRepository(t)
  const program = resolve('build/docs/examples/git-cat-file.js')
  const child = execFile(process.execPath, [program, 'HEAD:a file', 'nope'], { cwd: folder })
  const said = { stdout: '', stderr: '' }
  child.stdout?.on('data', (data: string) => (said.stdout += data))
  child.stderr?.on('data', (data: string) => (said.stderr += data))
  t.same(await once(child, 'close'), [0, null])
  t.match(said, { stdout: 'in a tree\n', stderr: /^[0-9a-f]{40,64} blob 10\nnope missing\n$/ })
})
