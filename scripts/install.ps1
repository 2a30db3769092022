# scripts/install.ps1: run scripts/install in WSL, where Flotilla's commands work. Options are passed on.
if (-not (Get-Command wsl.exe -ErrorAction SilentlyContinue)) {
  Write-Error "WSL is not installed. Run 'wsl --install' as an administrator, restart, then run this again."
  exit 1
}
# PowerShell makes two of `filesystem,export`; --exec keeps WSL's shell from reading a `$` in a value.
$options = @($args | ForEach-Object { $_ -join ',' })
wsl.exe --cd "$PSScriptRoot" --exec sh ./install @options
exit $LASTEXITCODE
