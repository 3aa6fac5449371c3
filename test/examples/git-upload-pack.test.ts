import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { type Ref, listRefs } from '../../docs/examples/git-upload-pack.js'
import { runNode } from '../support/run-node.js'

const MAX_OUTPUT = 64 * 1024 * 1024
const VERSIONS: readonly number[] = [0, 1, 2]
const AUTHOR = ['-c', 'user.name=a', '-c', 'user.email=a@b.c']

function git(folder: string, args: readonly string[], input = ''): string {
  return execFileSync('git', args, { cwd: folder, input, maxBuffer: MAX_OUTPUT, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
}

/** Why nothing can be asked of git here; false: it can. */
function whyNot(...args: string[]): string | false {
  try {
    git('.', args)
    return false
  } catch {
    return `"git ${args.join(' ')}" fails in ${resolve('.')}`
  }
}

const skip = whyNot('--version')
const skipThis = skip || whyNot('rev-parse', '--verify', 'HEAD')

async function makeFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'asynchat-'))
  t.teardown(() => rm(folder, { recursive: true, maxRetries: 5 }))
  return folder
}

/** With so many branches, and tags of both kinds. */
async function makeRepository(t: Test, branchCount: number): Promise<string> {
  const folder = await makeFolder(t)
  git(folder, ['init', '--quiet'])
  git(folder, [...AUTHOR, 'commit', '--quiet', '--allow-empty', '--no-gpg-sign', '--message', 'A commit'])
  const id = git(folder, ['rev-parse', 'HEAD']).trim()
  const branches = Array.from({ length: branchCount }, (_, index) => `create refs/heads/many/${index}/${'x'.repeat(index % 100)}y ${id}\n`)
  git(folder, ['update-ref', '--stdin'], `${branches.join('')}create refs/heads/gr\u00fc\u00dfe ${id}\ncreate refs/notes/a ${id}\n`)
  git(folder, ['tag', 'light'])
  for (const tag of ['heavy', 'heavier']) git(folder, [...AUTHOR, 'tag', '--no-sign', '--message', 'A tag', tag, tag === 'heavier' ? 'heavy' : 'HEAD'])
  git(folder, ['symbolic-ref', 'refs/heads/symbolic', 'refs/heads/many/0/y'])
  return folder
}

/** As `git ls-remote` prints them. */
function printed(refs: readonly Ref[]): string {
  return refs.map(({ id, name, peeled }) => `${id}\t${name}\n${peeled === undefined ? '' : `${peeled}\t${name}^{}\n`}`).join('')
}

t.test('listRefs: lists what git ls-remote and git for-each-ref do, in every version of the protocol', { skip }, async (t) => {
  const folder = await makeRepository(t, 2_000)
  const wanted = git(folder, ['ls-remote', '.'])
  const refs = wanted.split('\n').filter((line) => !line.endsWith('^{}') && !line.endsWith('\tHEAD'))
  t.equal(refs.join('\n'), git(folder, ['for-each-ref', '--format=%(objectname)%09%(refname)']))
  for (const version of VERSIONS) t.equal(printed(await listRefs(folder, { version })), wanted, `version ${version}`)
  t.ok(wanted.length > 65_520, 'that is more than a packet')
})

t.test('listRefs: lists the refs of this repository', { skip: skipThis }, async (t) => {
  const wanted = git('.', ['ls-remote', '.'])
  for (const version of VERSIONS) t.equal(printed(await listRefs('.', { version })), wanted, `version ${version}`)
})

t.test('listRefs: lists nothing where there is no ref', { skip }, async (t) => {
  const folder = await makeFolder(t)
  git(folder, ['init', '--quiet', '--bare'])
  for (const version of VERSIONS) t.same(await listRefs(folder, { version }), [], `version ${version}`)
})

t.test('listRefs: lists the refs of a clone that is shallow, and nothing else', { skip }, async (t) => {
  const [origin, folder] = [await makeRepository(t, 1), join(await makeFolder(t), 'shallow')]
  git(origin, [...AUTHOR, 'commit', '--quiet', '--allow-empty', '--no-gpg-sign', '--message', 'Another'])
  git('.', ['clone', '--quiet', '--depth', '1', `file://${origin}`, folder])
  const wanted = git(folder, ['ls-remote', '.'])
  for (const version of VERSIONS) t.equal(printed(await listRefs(folder, { version })), wanted, `version ${version}`)
})

t.test('listRefs: rejects with what git says where there is no repository', { skip }, async (t) => {
  const folder = await makeFolder(t)
  for (const where of [folder, join(folder, 'nope'), '--help']) {
    for (const version of VERSIONS) await t.rejects(listRefs(where, { version }), { message: /^Cannot list the refs of .*: fatal: .* not appear to be a git repository/ }, where)
  }
})

t.test('git-upload-pack: runs as a program', { skip }, async (t) => {
  const folder = await makeRepository(t, 1)
  t.same(await runNode('build/docs/examples/git-upload-pack.js', folder), { code: 0, stdout: git(folder, ['ls-remote', '.']), stderr: '' })
  t.match(await runNode('build/docs/examples/git-upload-pack.js', join(folder, 'nope')), { code: 1, stdout: '', stderr: /^Cannot list the refs of / })
})
