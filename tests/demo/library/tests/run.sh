# Runs each test program; says which fail.
failed=0
for program; do
    echo "== ${program#build/}"
    "$program" || failed=$((failed + 1))
done
echo "$# programs, $failed failed"
[ "$failed" -eq 0 ]
