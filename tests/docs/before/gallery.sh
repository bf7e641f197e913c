# The jobs at a small size, and stand-ins for the images.
STAY=yes
. tests/docs/before/results_linear.sh
sed -i 's/width: 16/width: 4/; s/heads: 4/heads: 2/; s/inner: 28/inner: 4/; s/sequences: [0-9]*/sequences: 2/
        s/batch: 64/batch: 1/' jobs/adam/transformer_small.yaml jobs/attention/addition.yaml
sed -i 's/\[32, 32, 32\]/[2, 2, 2]/; s/sequences: 2000/sequences: 20/; s/steps: 600/steps: 2/
        s/batch: 64/batch: 4/' \
    jobs/adam/heterogeneity.yaml
if python3 -c 'import numpy' 2>/dev/null; then
    python3 tests/commands/papers.py data jobs/adam
fi
