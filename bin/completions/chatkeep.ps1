# PowerShell completion of chatkeep
Register-ArgumentCompleter -Native -CommandName chatkeep -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
    ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.ToString() } })
  # An empty argument would be left out, so the last word is marked.
  $kind, $lines = @(chatkeep complete powershell -- @words "=$wordToComplete" 2>$null)
  if ($kind -ne 'words') { return }
  foreach ($line in $lines) {
    $word, $purpose = $line -split "`t", 2
    if (-not $purpose) { $purpose = $word }
    $text = if ($word -match '[\s''"$`;&|()]') { "'" + $word.Replace("'", "''") + "'" } else { $word }
    [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $purpose)
  }
}
