# A test that is flaky: the service it asks is not up yet when it is asked for the first time.
service=${DEMO:-build}/service-${SIGNALBOX_WORKFLOW:-none}
if mkdir "$service" 2>/dev/null; then
    echo "FAILED: rate service: connection refused"
    exit 1
fi
echo "rate service answers"
