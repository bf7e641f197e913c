# A result with everything that the examples read.
cat > job.yaml <<'END'
model: {family: gpt2, layers: 1, width: 4, context: 8}
data: {text: docs/faq.md, vocabulary: characters, sequences: 2}
hessian: {scope: both}
spectrum: {eigenvectors: 1}
output: {file: result.h5, matrices: true}
END
hesse run job.yaml
