#!/usr/bin/env python3
"""Second verifier for Exhibit packages, written from sign/FORMAT.md and export/FORMAT.md alone.
    verify.py PACKAGE-DIR provider.asc [--identity FILE] [--expect ID]
Checks the public side of a package of either version (sign section 9). With an identity it decrypts every volume too, and checks each
byte of stream, archive, bag and index against the package's own records. It shares no code with Exhibit: it is Python's standard library,
with gpg, gpgv, age, zstd and openssl as installed. It holds the whole package in memory and writes no content to a disk. Exit 0:
`ok PACKAGE-ID items=N`, and on standard error what was not checked. Exit 4: refused, with one sentence. Exit 2: usage.
This file has the command line, the public side, the volumes and the bag. Beside it are records.py, the records and the tables made of them,
index.py, the index for other tools, and texts.py, canonical JSON. kinds.txt says what the JSON texts look like.
"""
import bisect, csv, hmac, itertools, os, pathlib, re, struct, subprocess, sys, tempfile
sys.dont_write_bytecode = True  # the modules beside this one leave no __pycache__
from records import verify_records
from texts import KINDS, MIB, Refused, b64decode, canonical, canonical_lines, misfit, need, sha256

TAIL = ["contents.txt", "package.json", "tagmanifest-sha256.txt", "tagmanifest-sha256.txt.asc"]

def run(*command, data=b""):
    return subprocess.run(command, input=data, capture_output=True, env={**os.environ, "LC_ALL": "C"})

class Signer:
    """The one trusted key that the manifest names, and the check of its signatures (sign section 3)."""
    def __init__(self, trusted, fingerprint, scratch):
        self.fingerprint, self.ring, self.signature = fingerprint, scratch / "provider.gpg", scratch / "signature.asc"
        self.gpg = ("gpg", "--batch", "--homedir", scratch)
        self.packets = lambda data: run(*self.gpg, "--list-packets", data=data).stdout.decode("utf-8", "replace")
        need(run(*self.gpg, "--output", self.ring, "--dearmor", trusted).returncode == 0, "the trusted key is not armored")
        keys = [line.split(":") for line in run(*self.gpg, "--with-colons", "--show-keys", self.ring).stdout.decode().splitlines()]
        key = next((pub for pub, fpr in zip(keys, keys[1:]) if (pub[0], fpr[0], fpr[9]) == ("pub", "fpr", fingerprint)), [""] * 17)
        need(key[1] != "r" and (key[3] == "1" and int(key[2]) >= 2048 or key[16] in ("ed25519", "nistp256", "nistp384", "nistp521")),
             "the signer is no trusted key of an accepted kind")
        own = re.findall(rf"^:signature packet: algo \d+, keyid {key[4]}\n(?:\t.*\n)*?\tdigest algo (\d+)",
                         self.packets(self.ring.read_bytes()), re.M)
        need(own and set(own) <= {"8", "9", "10", "11"}, "the signer's key rests on a weak hash")

    def check(self, text, armored, what):
        """Refuses armored unless it is the signer's signature over text."""
        need(re.fullmatch(rb"-----BEGIN PGP SIGNATURE-----\n\n([A-Za-z0-9+/=]{1,76}\n)+=[A-Za-z0-9+/]{4}\n-----END PGP SIGNATURE-----\n", armored),
             f"{what} is not one armored signature with its CRC-24")
        self.signature.write_bytes(armored)
        told = run("gpgv", "--status-fd", "1", "--homedir", self.ring.parent, "--keyring", self.ring, self.signature, "-", data=text).stdout
        status = {line.split()[1]: line.split()[2:] for line in told.decode("utf-8", "replace").splitlines()}
        fingerprint, _, made, _, version, _, _, digest, sort, *_ = status.get("VALIDSIG", [""] * 9)
        need((fingerprint, version, sort) == (self.fingerprint, "4", "00") and digest in ("8", "9", "10"),
             f"{what} is not a good signature by the manifest's signer")
        need("GOODSIG" in status or "EXPKEYSIG" in status and int(made) < int(status["KEYEXPIRED"][0]),
             f"{what} has expired, or its key was expired or revoked")
        listed = self.packets(armored)
        need(listed.count("# off=") == 1 and re.search(rf"\thashed subpkt 33 .*{fingerprint}\)$", listed, re.M) and
             "critical hashed subpkt 20 " not in listed,
             f"{what} is not one packet, does not name its signer, or has a critical notation")

def verify_public(folder, trusted, expect, scratch):
    """Checks sign section 9; gives the manifest, its signer and the sealed volumes."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and not path.is_symlink()}
    need(len(files) == len(os.listdir(folder)) <= 10_000 and {"manifest.json", "manifest.json.asc"} <= set(files),
         "the folder holds no signed manifest, or not only files")
    manifest = canonical(files["manifest.json"], "manifest", "manifest.json")
    signer = Signer(trusted, manifest.signer, scratch)
    signer.check(files.pop("manifest.json"), files.pop("manifest.json.asc"), "manifest.json.asc")
    counts, abandoned = manifest.counts, manifest.abandoned
    prints, kinds = [key.fingerprint for key in manifest.recipients], {key.kind for key in manifest.recipients}
    need(counts.source == counts.included + counts.withheld and
         counts.exceptions <= counts.included == manifest["items"].size <= 9_999_999, "the manifest's counts do not add up")
    need(len(kinds) == 1 and len(prints) <= 64 and prints == sorted(set(prints)) and
         not misfit(prints, "print*" if kinds == {"openpgp"} else "digest*", "x"), "the recipients are not as specified")
    volume = re.compile(r"volume-([0-9]{4}|[1-9][0-9]{4,})(\.r([2-9]|[1-9][0-9]+))?\.tar\.zst\." + ("gpg" if kinds == {"openpgp"} else "age"))
    names = [part.name for part in manifest.objects]
    found = [volume.fullmatch(name) for name in names[:-3]]
    need(found and all(found) and [int(match[1]) for match in found] == list(range(1, len(found) + 1)) and
         names[-3:] == ["README.txt", "SHA256SUMS", "SHA256SUMS.asc"] and
         [part.role for part in manifest.objects] == ["volume"] * len(found) + ["readme", "sums", "sums-signature"] and
         all(map(volume.fullmatch, abandoned)) and abandoned == sorted(set(abandoned) - set(names)), "the manifest's objects are not as specified")
    need(expect in (None, manifest.package), f"this is package {manifest.package}, not the expected one")
    need(set(files) - set(abandoned) == set(names), "an object is missing, or another one is there")
    for part in manifest.objects:
        need((len(files[part.name]), sha256(files[part.name]).hex()) == (part.size, part.sha256), f"{part.name} is not what was signed")
    sums = f"# exhibit/sha256sums/v1 {manifest.package}\n" + "".join(f"{part.sha256}  {part.name}\n" for part in manifest.objects[:-2])
    need(files["SHA256SUMS"] == sums.encode() and max(len(sums), len(files["README.txt"])) <= 4 * MIB,
         "SHA256SUMS is not as specified")
    signer.check(files["SHA256SUMS"], files["SHA256SUMS.asc"], "SHA256SUMS.asc")
    return manifest, signer, [files[name] for name in names[:-3]]

def decrypt(sealed, recipients, identity, scratch):
    """The zstd stream within a volume (export section 2), sealed to as many recipients as the manifest names and in no other way."""
    kind, number = recipients[0].kind, len(recipients)
    if kind != "openpgp":
        stanza = {"age-x25519": b"X25519", "age-hybrid": b"mlkem768x25519", "age-ssh": b"ssh-(ed25519|rsa)"}[kind]
        header = re.match(rb"age-encryption\.org/v1\n(-> %b [^\n]+\n([A-Za-z0-9+/]+\n)+){%d}--- " % (stanza, number), sealed)
        opened = run("age", "--decrypt", "--identity", identity, data=sealed)
        need(header and opened.returncode == 0, "a volume is not sealed to the recipients alone, or not to this identity")
        return opened.stdout
    gpg = ("gpg", "--batch", "--homedir", scratch, "--pinentry-mode", "loopback", "--passphrase", "", "--status-fd", "2")
    run(*gpg, "--import", identity)
    opened = run(*gpg, "--decrypt", data=sealed)
    listed = run(*gpg, "--list-packets", data=sealed).stdout.decode("utf-8", "replace")
    run("gpgconf", "--homedir", scratch, "--kill", "gpg-agent")
    need(opened.returncode == 0 and b"DECRYPTION_OKAY" in opened.stderr, "a volume does not decrypt with this identity")
    need(re.findall("^:(.*?) packet:", listed, re.M) == ["pubkey enc"] * number + ["encrypted data", "literal data"] and
         re.search(rb"DECRYPTION_INFO \d+ 9\b", opened.stderr) and '\tmode b (62), created 0, name="",' in listed,
         "a volume's OpenPGP message is not as specified")
    return opened.stdout

def unpack(stream):
    """The archive in a zstd stream, and the offsets in it at which data frames begin and end (export section 3)."""
    table, at = [], 0
    number = lambda where, width=4: int.from_bytes(stream[where:where + width], "little")
    while (magic := number(at)) == 0xFD2FB528:
        start, flags, at, block = at, stream[at + 4], at + 5, 0
        single, width = flags >> 5 & 1, (flags >> 5 & 1, 2, 4, 8)[flags >> 6]
        window = 0 if single else 8 + (stream[at] & 7) << 7 + (stream[at] >> 3)
        size, at = number(at + 1 - single, width) + (256 if width == 2 else 0), at + 1 - single + width
        need(flags & 0x1F == 4 and width and 0 < size <= 16 * MIB and window <= 32 * MIB, "a zstd frame is not as specified")
        while not block & 1:
            block = number(at, 3) if at < len(stream) else 1
            at += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        at += 4
        table.append((at - start, size))
    edges = list(itertools.accumulate((size for _, size in table), initial=0))
    least, length = max(at + 8 * len(table) + 33, -(-edges[-1] // 1024)), edges[-1]
    if padded := magic == 0x184D2A50:
        start, at = at, at + 8 + number(at + 4)
        table.append((at - start, 0))
        need(not any(stream[start + 8:at]), "a volume's padding is not zeros")
    seek = b"".join(struct.pack("<II", *row) for row in table) + struct.pack("<IBI", len(table), 0, 0x8F92EAB1)
    need(len(edges) > 2 and stream[at:] == struct.pack("<II", 0x184D2A5E, len(seek)) + seek,
         "a volume does not end with the seek table of its frames")
    unit = 1 << (power := least.bit_length() - 1) - power.bit_length()
    need(length <= 1024 * len(stream) and (not padded or len(stream) in (-(-least // unit) * unit, least)),
         "a volume's length is not PADMÉ's, or too short for its archive")
    plain = run("zstd", "--decompress", "--quiet", "--stdout", data=stream)
    need(plain.returncode == 0 and len(plain.stdout) == length, "a volume's zstd stream does not decompress to what its seek table says")
    return plain.stdout, edges

def entries(archive, edges):
    """Each (name, offset, content, whether a frame begins) of an archive (export section 4), which the frames must cut as specified."""
    at = 0
    while at < len(archive) - 1024:
        name, size, offset = archive[at:at + 100].rstrip(b"\0").decode("ascii"), int(archive[at + 124:at + 135], 8), at + 512
        header = struct.pack("100s8s8s8s12s12s8s1s100s8s64x8s8s167x", name.encode(), b"0000644", b"0000000", b"0000000",
                             b"%011o" % size, b"%011o" % 315532800, b" " * 8, b"0", b"", b"ustar\x0000", b"0000000", b"0000000")
        header = header[:148] + b"%06o\0 " % sum(header) + header[156:]
        end = offset + -(-size // 512) * 512
        need(archive[at:offset] == header and not any(archive[offset + size:end]), f"the entry {name} is not as specified")
        inner, spans = edges[bisect.bisect_right(edges, at):bisect.bisect_left(edges, end)], end - at > 16 * MIB
        need(inner == list(range(at + 16 * MIB, end, 16 * MIB)) and (not spans or at in edges and end in edges), f"the frames cut {name} wrongly")
        yield name, offset, archive[offset:offset + size], at in edges
        at = end
    need(at == edges[-2] == len(archive) - 1024 and not any(archive[at:]), "an archive does not end with a frame of 1,024 zero bytes")

def tree_root(hashes):
    """The Merkle tree hash over leaf hashes, RFC 6962 section 2.1."""
    half = 1 << (len(hashes) - 1).bit_length() - 1 if len(hashes) > 1 else 0
    return sha256(b"\1" + tree_root(hashes[:half]) + tree_root(hashes[half:])) if half else b"".join(hashes) or sha256(b"")

def verify_bag(manifest, signer, volumes, identity, scratch):
    """Opens the volumes and checks all that export section 13 asks of an opener."""
    files, places, rest = {}, {}, []
    for number, sealed in enumerate(volumes, 1):
        for name, offset, content, begins in entries(*unpack(decrypt(sealed, manifest.recipients, identity, scratch))):
            need(name not in files, f"{name} stands twice")
            files[name], places[name] = content, (number, offset, len(content))
            rest += [name] if rest or not name.startswith("data/messages/") else []
            need(len(rest) != 1 and name not in TAIL or begins == (len(rest) == 1 or name == TAIL[0]),
                 f"{name} does not begin a batch, or does")
    need(re.fullmatch(KINDS["rest"][1:-1], " ".join(rest)), "the bag's files or their order are not as specified")
    signer.check(files["tagmanifest-sha256.txt"], files["tagmanifest-sha256.txt.asc"], "tagmanifest-sha256.txt.asc")
    payload = sorted(name for name in files if name.startswith("data/"))
    digests = lambda names: "".join(f"{sha256(files[name]).hex()}  {name}\n" for name in names).encode()
    need(sha256(files["tagmanifest-sha256.txt"]).hex() == manifest.tag_manifest and
         files["manifest-sha256.txt"] == digests(payload) and
         files["tagmanifest-sha256.txt"] == digests(sorted(set(rest[:-2]) - set(payload))), "a bag manifest is not as specified")
    facts = canonical(files["package.json"], "package", "package.json")
    same = ("package", "supersedes", "signer", "recipients", "policy", "counts", "items")
    differ = [name for name in same if facts[name] != manifest[name]]
    need(not differ, f"package.json and the manifest differ in {differ}")
    old, accepted = facts.type.endswith("v1"), {"accept": "whole", "accept-in-part": "in-part"}
    need(old == manifest.type.endswith("v1") and (old or accepted[facts.review.decision] == manifest.acceptance),
         "package.json and the manifest differ in what was accepted")
    holders = [approval.holder for approval in facts.approvals] + ([] if old else [facts.review.holder])
    need(facts.approvals and (old or len(set(holders)) == len(holders) and
                              all(approval.fingerprint != facts.review.fingerprint for approval in facts.approvals)),
         "there is no approval, or one is of a person who counts already")
    need(len({account.account for account in facts.accounts}) == len(facts.accounts) > 0, "an account stands twice, or there is none")
    need(old != ("data/traffic.csv" in files), "the bag's files are not those of its version")
    records, lines = canonical_lines(files["data/index.jsonl"], "item", "data/index.jsonl")
    verify_records(files, facts, records)
    need(set(files) - set(rest) == {record.file for record in records}, "a file of data/messages has no record")
    order, secret = facts.order, b64decode(facts.secret)
    signature = order.get("instrument_signature")
    described = [(order.file, order.sha256), (order.instrument, order.instrument_sha256)]
    need(not signature or (signature.result == "good") == bool(signature.holder) and (signature.fingerprint or not signature.holder),
         "the signature over the instrument is not as specified")
    described += [(signature.file, signature.sha256)] if signature else []
    need(described == [(name, sha256(files[name]).hex()) for name in rest if name.startswith("data/order/")],
         "package.json does not describe the order")
    accounts = b"".join(sorted(account.account.encode() + b"\n" for account in facts.accounts))
    keyed = hmac.digest(secret, b"exhibit/v1 commitment", "sha256")
    committed = b"exhibit/commitment/v1\n" + keyed + bytes.fromhex(order.sha256) + sha256(accounts)
    need(sha256(committed) == b64decode(manifest.commitment), "the commitment is to another order")
    seed = bytes.fromhex("302e020100300506032b657004220420") + b64decode(facts.receipt_private_key)  # as PKCS #8 (RFC 8410)
    public = run("openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER", data=seed).stdout[-32:]
    need(public == b64decode(manifest.receipt_key), "the receipt key is not the manifest's")
    salts = hmac.digest(secret, b"exhibit/v1 item", "sha256")
    leaves = [sha256(b"\0" + hmac.digest(salts, record.exhibit.encode(), "sha256") + sha256(line))
              for record, line in zip(records, lines)]
    tiles = {f"item-tree/{level}": b"".join(tree_root(leaves[at:at + 256**level])
                                            for at in range(0, len(leaves) - 256**level + 1, 256**level))
             for level in range(4) if level == 0 or 256**level <= len(leaves)}
    need(tree_root(leaves) == b64decode(manifest["items"].root) and
         {name: files[name] for name in rest if name.startswith("item-tree/")} == tiles,
         "the item tree is not that of the records, or its root not the manifest's")
    starts = itertools.accumulate((len(line) + 1 for line in lines), initial=0)
    locators = "".join("%04d %015d %015d %015d %010d\n" % (*places[record.file], start, len(line))
                       for record, start, line in zip(records, starts, lines))
    contents = "".join("%04d %015d %015d %s\n" % (*places[name], name) for name in rest[:-4])
    need((files["locators.txt"], files["contents.txt"]) == (locators.encode(), contents.encode()),
         "locators.txt or contents.txt does not say where things are")
    oxum = f"{sum(len(files[name]) for name in payload)}.{len(payload)}"
    info = (f"Source-Organization: {facts.provider}\nExternal-Identifier: {facts.package}\n"
            f"Bagging-Date: {facts.created[:10]}\nPayload-Oxum: {oxum}\nBag-Software-Agent: ")
    need(files["bagit.txt"] == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n" and
         re.fullmatch(re.escape(info) + "[^\n]+\n", files["bag-info.txt"].decode("utf-8")), "bagit.txt or bag-info.txt is not as specified")

def main(words):
    options = dict(zip(words[2::2], words[3::2]))
    if len(words) < 2 or len(words) % 2 or set(options) - {"--identity", "--expect"}:
        return 2, "usage: verify.py PACKAGE-DIR provider.asc [--identity FILE] [--expect ID]"
    try:
        with tempfile.TemporaryDirectory() as scratch:
            manifest, signer, volumes = verify_public(pathlib.Path(words[0]), words[1], options.get("--expect"), pathlib.Path(scratch))
            if "--identity" in options:
                verify_bag(manifest, signer, volumes, options["--identity"], pathlib.Path(scratch))
    except (Refused, LookupError, TypeError, ValueError, struct.error, csv.Error, OSError) as problem:
        return 4, problem if isinstance(problem, Refused) else f"malformed: {problem}"
    print(f"ok {manifest.package} items={manifest['items'].size}")
    return 0, "not checked: that a log recorded this package" + ("" if "--expect" in options else "; freshness (no --expect)")

if __name__ == "__main__":
    csv.field_size_limit(MIB)
    code, remark = main(sys.argv[1:])
    sys.exit(print(remark, file=sys.stderr) or code)
