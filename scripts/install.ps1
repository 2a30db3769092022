# scripts/install.ps1: run scripts/install in WSL, where Flotilla's commands work. Options are passed on.
if (-not (Get-Command wsl.exe -ErrorAction SilentlyContinue)) {
  Write-Error "WSL is not installed. Run 'wsl --install' as an administrator, restart, then run this again."
  exit 1
}
wsl.exe --cd "$PSScriptRoot" -- sh ./install @args
exit $LASTEXITCODE
