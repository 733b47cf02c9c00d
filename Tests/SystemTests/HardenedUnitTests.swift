import Foundation
import TestKit
import Testing

/// The built program as a service of a real systemd.
@Suite(
  .serialized, .timeLimit(.minutes(10)),
  .enabled("not run: needs root, systemd-nspawn, debootstrap and a mirror of Debian 12") { Container.isWanted })
struct HardenedUnitTests {
  // `DynamicUser=yes` implies `RestrictSUIDSGID=yes`, which answers ENOSYS to every openat2.
  private static let hardening = """
    DynamicUser=yes
    SystemCallFilter=@system-service
    SystemCallFilter=~@privileged @resources
    SystemCallErrorNumber=EPERM
    SystemCallArchitectures=native
    """

  private static let unit = """
    [Unit]
    After=sandbox.service
    [Service]
    \(hardening)
    SupplementaryGroups=users
    StateDirectory=promptdrop
    RuntimeDirectory=promptdrop
    LoadCredential=api-key:/etc/promptdrop-key
    ReadWritePaths=/srv/prompts
    CapabilityBoundingSet=
    LockPersonality=yes
    MemoryDenyWriteExecute=yes
    PrivateDevices=yes
    ProcSubset=pid
    ProtectClock=yes
    ProtectControlGroups=yes
    ProtectHome=yes
    ProtectHostname=yes
    ProtectKernelLogs=yes
    ProtectKernelModules=yes
    ProtectKernelTunables=yes
    ProtectProc=invisible
    RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
    RestrictNamespaces=yes
    RestrictRealtime=yes
    Environment=LD_LIBRARY_PATH=\(Container.libraries)
    ExecStart=\(Container.program) watch /srv/prompts --api-url http://127.0.0.1:8765 --settle 0s --poll-first 100ms

    """

  private static let sandbox = """
    [Service]
    Environment=LD_LIBRARY_PATH=\(Container.libraries)
    ExecStart=\(Container.program) sandbox --port 8765 --delay 0s --key dk-0123456789abcdef-test

    """

  // What openat2 answers under the same filters; perl is part of the smallest Debian.
  private static let premise = """
    [Service]
    Type=oneshot
    \(hardening)
    ExecStart=/usr/bin/perl -e '$$p = "/"; $$h = pack("QQQ", 0, 0, 8); syscall(437, -100, $$p, $$h, 24); print "openat2: ", $$!+0, "\\n"'

    """

  private static let trial = """
    set -u
    install -d -m 2775 -g users /srv/prompts
    (umask 077; echo dk-0123456789abcdef-test > /etc/promptdrop-key)
    export LD_LIBRARY_PATH=\(Container.libraries)
    systemctl start premise
    journalctl -u premise -o cat --grep openat2
    systemctl start sandbox promptdrop
    mkdir /srv/prompts/sub
    chown :users /srv/prompts/sub; chmod 2775 /srv/prompts/sub
    echo 'a lighthouse' > /srv/prompts/sub/cat.prompt
    for i in $(seq 600); do grep -qs '"state": *"done"' /srv/prompts/sub/cat.status.json && break; sleep 0.1; done
    \(Container.program) status /srv/prompts
    systemctl kill -s HUP promptdrop
    for i in $(seq 100); do journalctl -u promptdrop -o cat | grep -q 'SIGHUP has come' && break; sleep 0.1; done
    echo "after SIGHUP: $(systemctl is-active promptdrop)"
    systemctl stop promptdrop
    systemctl show -p Result -p ExecMainStatus -p NRestarts promptdrop
    journalctl -u promptdrop -o cat > /exchange/log
    cp -r /srv/prompts /exchange/

    """

  @Test func makesAPicture() async throws {
    let container = try Container()
    try container.write("etc/systemd/system/promptdrop.service", Self.unit)
    try container.write("etc/systemd/system/sandbox.service", Self.sandbox)
    try container.write("etc/systemd/system/premise.service", Self.premise)
    let said = try await container.trial(Self.trial)
    let log = container.exchange.exists("log") ? try container.exchange.read("log") : "no log"
    let all = Comment(rawValue: "\(said)\n\(log)")
    // ENOSYS: what is proved here could not be proved where openat2 works.
    #expect(said.contains("openat2: 38"), all)
    try #require(container.exchange.exists("prompts/sub/cat.png"), all)
    let picture = try container.exchange.bytes("prompts/sub/cat.png")
    #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]) && picture.count > 1000, all)
    let sidecar = try container.exchange.read("prompts/sub/cat.status.json")
    #expect(sidecar.contains(#""state": "done""#) || sidecar.contains(#""state":"done""#), "\(sidecar)")
    #expect(said.contains("watches /srv/prompts (inotify"), all)
    #expect(said.contains("after SIGHUP: active"), all)
    #expect(said.contains("Result=success") && said.contains("ExecMainStatus=0") && said.contains("NRestarts=0"), all)
    #expect(!log.contains("Cannot") && log.contains("done: "), all)
  }
}
