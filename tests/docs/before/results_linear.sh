# The jobs at a small size, in the folder that the page names.
sed -i 's/steps: [0-9]*/steps: 4/; s/batch: 1000/batch: 8/; s/sequences: [0-9]*/sequences: 16/
        s/seeds: \[.*\]/seeds: 0/; s/every: [0-9]*/every: 2/; s/noise: [0-9]*/noise: 8/
        s/stages: \[.*\]/stages: [init, 2]/' jobs/linear/*.yaml
[ -n "${STAY:-}" ] || cd jobs/linear
