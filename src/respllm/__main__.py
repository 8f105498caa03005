"""`python -m respllm`, which `accelerate launch -m respllm` needs."""

from respllm.cli.main import main

if __name__ == "__main__":
    main()
