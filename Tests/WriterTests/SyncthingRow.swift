extension Row {
  // Two instances on this machine that know of nobody else. `rest SIDE PATH METHOD BODY` talks to one of them, `await` waits
  // for a condition.
  private static let start = #"""
    printf 'owner: here\n' > .promptdrop.yaml
    port=$((20000 + $$ % 9000))
    pids=""
    trap 'kill $pids' EXIT
    for side in 1 2; do
      syncthing generate --home="$W/$side" --no-default-folder --skip-port-probing > /dev/null 2>&1
      syncthing serve --home="$W/$side" --no-browser --no-restart --gui-address="http://127.0.0.1:$((port + side))" \
        --gui-apikey=k > "$W/$side.log" 2>&1 &
      pids="$pids $!"
    done
    rest() {
      curl -sf --retry 30 --retry-delay 1 --retry-all-errors -H 'X-API-Key: k' -X "$3" \
        "http://127.0.0.1:$((port + $1))/rest/$2" ${4:+-d "$4"}
    }
    await() {
      tries=0
      until eval "$1"; do tries=$((tries + 1)); [ $tries -lt 300 ] || { echo "not: $1"; exit 1; }; sleep 0.1; done
    }
    for side in 1 2; do
      rest $side config/options PATCH '{"listenAddresses":["tcp://127.0.0.1:'$((port + 10 + side))'"],
        "globalAnnounceEnabled":false,"localAnnounceEnabled":false,"relaysEnabled":false,"natEnabled":false,
        "urAccepted":-1,"reconnectionIntervalS":1}'
    done
    one=$(syncthing --home="$W/1" --device-id)
    two=$(syncthing --home="$W/2" --device-id)
    mkdir "$W/src"
    rest 1 config/devices POST '{"deviceID":"'$two'","addresses":["tcp://127.0.0.1:'$((port + 12))'"]}'
    rest 2 config/devices POST '{"deviceID":"'$one'","addresses":["tcp://127.0.0.1:'$((port + 11))'"]}'
    for side in 1 2; do
      path="$PWD"
      [ $side = 2 ] || path="$W/src"
      rest $side config/folders POST '{"id":"drop","path":"'"$path"'","fsWatcherDelayS":1,
        "devices":[{"deviceID":"'$one'"},{"deviceID":"'$two'"}]}'
    done

    """#

  /// Syncthing, for an agent called "here": a folder that it keeps has to have an owner. A new file, a change, a rename on the
  /// other side, and a look at everything.
  static let syncthing = Row(
    name: "syncthing", programs: ["syncthing", "curl"],
    script: start + #"""
      printf %s "$T1" > "$W/src/foo.prompt"
      await 'test -e foo.status.json && grep -q "\"done\"" foo.status.json'
      printf %s "$T2" > "$W/src/foo.prompt"
      await 'grep -q other foo.prompt'
      await 'grep -q "\"revision\": 2," foo.status.json && grep -q "\"state\": \"done\"" foo.status.json'
      await 'test -e "$W/src/foo.status.json"'
      mv "$W/src/foo.prompt" "$W/src/bar.prompt"
      await 'test -e bar.prompt && ! test -e foo.prompt'
      rest 2 'db/scan?folder=drop' POST
      """#, expected: ["T1", "T2"], file: "bar.prompt")
}
