#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""with-podman.py TOOL CONF NORM CASES: give the same flags to podman and to spec-tool.

Each line of CASES is a command line behind `podman create --name NAME`.  Where podman
refuses it, the texts must be equal; otherwise the record, config.json, the generated files
and the bind mounts, after norm.jq.  A line "# text" begins a comment.  A line that begins
with "~" only asks that both refuse it, or both accept it; one that begins with "+" is
`podman run -d --name` for a neighbour of those that follow.

Started by with-podman.test in a host of its own; podman's root and run root are those of
berth.conf.
"""
import json, os, re, shlex, shutil, struct, subprocess, sys

ROOT, RUN, OUT = '/srv/ctr/root', '/srv/ctr/run', '/srv/out'
tool, conf, norm, cases = sys.argv[1:5]


class Bolt:
    """A bolt file as nested dicts of bytes."""

    def __init__(self, path):
        self.data = open(path, 'rb').read()
        metas = []
        for off in (0, 4096):
            magic, _, size, _, root, _, _, _, txid = struct.unpack_from('<IIIIQQQQQ', self.data, off + 16)
            if magic == 0xED0CDAED:
                metas.append((txid, size, root))
        _, self.size, self.root = max(metas)

    def items(self, base, off):
        _, flags, count, _ = struct.unpack_from('<QHHI', base, off)
        for i in range(count):
            e = off + 16 + i * 16
            if flags & 2:
                sub, pos, ks, vs = struct.unpack_from('<IIII', base, e)
                yield base[e + pos:e + pos + ks], base[e + pos + ks:e + pos + ks + vs], sub & 1
            else:
                _, _, child = struct.unpack_from('<IIQ', base, e)
                yield from self.items(self.data, child * self.size)

    def tree(self, value=None):
        if value is None:
            found = self.items(self.data, self.root * self.size)
        else:
            root = struct.unpack_from('<Q', value, 0)[0]
            found = self.items(self.data, root * self.size) if root else self.items(value[16:], 0)
        return {k.decode(): self.tree(v) if sub else v for k, v, sub in found}


def podman(*args):
    return subprocess.run(['podman', '--root', ROOT, '--runroot', RUN, '--hooks-dir', '/srv/hooks', *args], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)


def normal(doc, cid):
    r = subprocess.run(['jq', '-S', '--arg', 'id', cid, '-f', norm], input=json.dumps(doc),
                       capture_output=True, text=True, check=True)
    out = json.loads(r.stdout)
    ports = out.get('newPortMappings')
    if ports:  # addresses come out of a hash map
        ports.sort(key=lambda p: (p['protocol'], p['host_ip'], p['host_port']))
    return out


def plain(value, cid):
    return json.loads(json.dumps(value).replace(cid, '<ID>').replace(cid[:12], '<ID12>'))


def files(cid):
    found = {}
    for base, names in ((ROOT, ('passwd', 'group')), (RUN, ('hosts', 'hostname', 'resolv.conf', '.containerenv'))):
        for n in names:
            p = f'{base}/overlay-containers/{cid}/userdata/{n}'
            if os.path.exists(p):
                found[n] = open(p).read()
    for n in PRISTINE:
        found['rootfs/' + n] = open('/srv/rootfs/etc/' + n).read()
    return found


def restore():
    for n, text in PRISTINE.items():
        open('/srv/rootfs/etc/' + n, 'w').write(text)


def walk(a, b, path, out):
    if isinstance(a, dict) and isinstance(b, dict):
        for k in sorted(set(a) | set(b)):
            if k not in b:
                out.append(f'  {path}.{k}: podman has {json.dumps(a[k])[:300]}, we do not')
            elif k not in a:
                out.append(f'  {path}.{k}: we have {json.dumps(b[k])[:300]}, podman does not')
            else:
                walk(a[k], b[k], f'{path}.{k}', out)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            walk(x, y, f'{path}[{i}]', out)
    elif isinstance(a, list) and isinstance(b, list):  # say which ones
        for x in a:
            if x not in b:
                out.append(f'  {path}: podman alone has {json.dumps(x)}')
        for x in b:
            if x not in a:
                out.append(f'  {path}: we alone have {json.dumps(x)}')
    elif a != b:
        out.append(f'  {path}: podman {json.dumps(a)[:600]}\n{" " * len(path)}      we {json.dumps(b)[:600]}')


def error_of(text):
    lines = [l for l in text.splitlines() if l.startswith('Error: ')]
    return lines[-1][len('Error: '):].split('\nSee')[0] if lines else None


def record_of(cid):
    return Bolt(ROOT + '/libpod/bolt_state.db').tree()['ctr'][cid]


def others():
    """The containers that lines with "+" started, as spec-tool wants them."""
    found = []
    for cid in NEIGHBOURS:
        db = record_of(cid)
        found.append({'config': json.loads(db['config']), 'state': json.loads(db['state'])})
    return found


def neighbour(line):
    name, *args = shlex.split(line)
    r = podman('run', '-d', '--name', name, *args)
    if r.returncode:
        sys.exit(f'podman run {line}: {r.stderr}')
    NEIGHBOURS.append(r.stdout.strip())


def mask(text):
    """Texts name the container, and the two have IDs of their own."""
    return re.sub('[0-9a-f]{64}', '<ID>', text)


def case(number, line):
    loose = line.startswith('~')
    args = shlex.split(line.lstrip('~ '))
    name = f'c{number}'
    restore()
    theirs = podman('create', '--name', name, *args)
    doc, cid, init = {'name': name, 'others': others()}, None, None
    if theirs.returncode == 0:
        cid = theirs.stdout.strip().splitlines()[-1]
        init = podman('init', name)
        db = record_of(cid)
        state = json.loads(db['state'])
        doc['networkStatus'] = state.get('networkStatus')
        doc['netns'] = db['netns'].decode() if 'netns' in db else None
        their = {'record': json.loads(db['config']), 'binds': state.get('bindMounts'), 'files': files(cid),
                 'networks': {k: json.loads(v) for k, v in db.get('networks', {}).items()}}
        path = f'{ROOT}/overlay-containers/{cid}/userdata/config.json'
        their['stop'] = state.get('extensionStageHooks')
        their['config'] = json.load(open(path)) if os.path.exists(path) else None
    restore()
    shutil.rmtree(OUT, ignore_errors=True)
    os.mkdir(OUT)
    open('/srv/case', 'w').write(json.dumps(doc))
    ours = subprocess.run([tool, conf, OUT, '/srv/case', '--', *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    problems = []
    a, b = error_of(theirs.stderr), error_of(ours.stderr)
    init_error = error_of(init.stderr) if init else None
    if init_error and ('crun: ' in init_error or 'write child' in init_error) and their['config']:
        init_error = None  # the runtime refused what both wrote; podman forgets its bind mounts
        their['binds'] = None
    if theirs.returncode or ours.returncode:
        if ours.returncode not in (0, 125):
            problems.append(f'  status {ours.returncode}: {ours.stderr}')
        elif theirs.returncode == 0 and init_error and b:
            if not loose and mask(b) not in mask(init_error):
                problems.append(f'  podman at init: {init_error}\n  we:             {b}')
        elif loose and a and b:
            pass
        elif init_error and a is None and b is None:
            pass
        elif a != b:
            problems.append(f'  podman: {a}\n  we:     {b}')
    elif init_error is not None:
        problems.append(f'  podman fails at init, we do not: {init_error}')
    elif not loose:
        mine = json.load(open(OUT + '/record.json'))
        mid = mine['id']
        state = json.load(open(OUT + '/state.json'))
        path = f'{ROOT}/overlay-containers/{mid}/userdata/config.json'
        walk(normal(their['record'], cid), normal(mine, mid), 'record', problems)
        walk(normal(their['config'], cid), normal(json.load(open(path)), mid), 'config', problems)
        if their['binds']:
            walk(plain(their['binds'], cid), plain(state['bindMounts'], mid), 'binds', problems)
        if their['stop']:  # podman 4.3.1 does not always save them
            walk(their['stop'], state.get('extensionStageHooks'), 'stop', problems)
        walk(plain(their['files'], cid), plain(files(mid), mid), 'files', problems)
        walk(plain(their['networks'], cid), plain(json.load(open(OUT + '/networks.json')), mid), 'networks', problems)
    print(('not ok' if problems else 'ok') + f' {number} - {line}')
    for p in problems:
        print(p)
    sys.stdout.flush()
    if cid:
        podman('rm', '-f', '-v', '-t', '0', name)
    return not problems


def hooks():
    """Hooks for containers that have the annotation hook=..."""
    where = '/srv/hooks'
    os.makedirs(where, exist_ok=True)
    open('/srv/precreate', 'w').write('#!/bin/sh\nsed "s/\\"hook\\":\\"pre\\"/\\"hook\\":\\"changed\\"/"\n')
    os.chmod('/srv/precreate', 0o755)
    for name, hook, when, stages in (
            ('b.json', {'path': '/bin/true'}, {'annotations': {'^hook$': '^one$'}}, ['prestart', 'poststop']),
            ('A.json', {'path': '/bin/true', 'args': ['true', 'x'], 'env': ['A=b'], 'timeout': 5},
             {'annotations': {'^hook$': '^(one|two)$'}}, ['prestart', 'createRuntime', 'poststart']),
            ('c.json', {'path': '/bin/true'}, {'annotations': {'^hook$': '^two$'}, 'commands': ['^sl']}, ['startContainer']),
            ('d.json', {'path': '/bin/true'}, {'annotations': {'^hook$': '^two$'}, 'commands': ['^x']}, ['createContainer']),
            ('e.json', {'path': '/bin/true'}, {'annotations': {'^hook$': '^binds$'}, 'hasBindMounts': True}, ['poststart']),
            ('f.json', {'path': '/bin/true'}, {'always': False, 'annotations': {'^hook$': '.'}}, ['poststart']),
            ('g.json', {'path': '/srv/precreate', 'args': ['precreate']}, {'annotations': {'^hook$': '^pre$'}}, ['precreate'])):
        json.dump({'version': '1.0.0', 'hook': hook, 'when': when, 'stages': stages},
                  open(f'{where}/{name}', 'w'))


NEIGHBOURS = []
PRISTINE = {n: open('/srv/rootfs/etc/' + n).read() for n in ('passwd', 'group')}
bad = 0
hooks()
for n, l in enumerate(open(cases).read().splitlines(), 1):
    if l.startswith('+'):
        neighbour(l[1:])
    elif l.strip() and not l.startswith('#'):
        bad += not case(n, l)
sys.exit(1 if bad else 0)
